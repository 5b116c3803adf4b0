"""Plays campaigns and prints their reports: `python -m faults --seed 1,2,3`. Exits with 1 if any zero is not zero."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from docs.marked_pages import write_between
from faults.campaign import FULL, SHORT, Campaign, play
from faults.places import Storage
from faults.sabotage import SABOTAGES
from faults.tables import MARK, tables
from vigil.process_exit import exit_now

Play = Callable[[Campaign, Path], Coroutine[Any, Any, Mapping[str, Any]]]


def run(arguments: Sequence[str], *, play: Play = play) -> int:
    """Play one campaign after the other by the command line, and return the code to exit with."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.must_catch and not given.sabotage:
        parser.error("--must-catch needs --sabotage")
    reports: list[Mapping[str, Any]] = []
    for seed in given.seed:
        reports.append(_play(seed, given, play))
        print(json.dumps(reports[-1], indent=1), flush=True)
        if given.write:  # after each: whoever ends us keeps what is done
            write_between(given.write, MARK, tables(reports))
    print(tables(reports), file=sys.stderr)
    return 0 if all(_is_as_it_must_be(report, must_catch=given.must_catch) for report in reports) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seed", type=_seeds, default=(1,), help="of everything that is random; several: 1,2,3 (1)")
    parser.add_argument("--short", action="store_true", help="a campaign of about two minutes")
    parser.add_argument("--verifications", type=int, help="how many")
    parser.add_argument("--time-scale", type=float, help="how much faster than real time")
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="between the beginnings of two verifications, at least"
    )
    parser.add_argument("--fault-pause", type=float, metavar="SECONDS", help="between two faults, at most")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="break the product on purpose: a zero turns red")
    parser.add_argument("--storage", choices=list(Storage), default=Storage.FOLDER, help="(%(default)s)")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report to a file, too: FILE-SEED of several"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the tables between the marks of a page")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep all files in a folder: FOLDER-SEED of several"
    )
    parser.add_argument(
        "--must-catch", action="store_true", help="exit with 0 only if the sabotage turned its zero red"
    )
    return parser


def _seeds(given: str) -> Sequence[int]:
    return tuple(int(seed) for seed in given.split(","))


def _play(seed: int, given: argparse.Namespace, play: Play) -> Mapping[str, Any]:
    """Play one campaign and return its report."""
    size = SHORT if given.short else FULL
    campaign = Campaign(
        seed=seed,
        verifications=given.verifications or size.verifications,
        time_scale=given.time_scale or size.time_scale,
        sabotage=given.sabotage,
        storage=Storage(given.storage),
        fault_pause=given.fault_pause,
        size=replace(size, each=given.every) if given.every else size,
    )
    with ExitStack() as stack:
        folder = _of(seed, given.keep, given.seed) or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-faults-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(play(campaign, folder.absolute()))
    if file := _of(seed, given.json, given.seed):
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


def _of(seed: int, path: Path | None, seeds: Sequence[int]) -> Path | None:
    """Return where a seed's own file or folder is: with several seeds, its name says which."""
    return path if path is None or len(seeds) == 1 else path.with_stem(f"{path.stem}-{seed}")


def _is_as_it_must_be(report: Mapping[str, Any], *, must_catch: bool) -> bool:
    """Return whether all zeros are zero or, if a sabotage must be caught, whether the zero that it breaks is red."""
    if not must_catch:
        return bool(report["ok"])
    return bool(report["zeros"][SABOTAGES[report["sabotage"]].turns_red])


if __name__ == "__main__":
    exit_now(run(sys.argv[1:]))
