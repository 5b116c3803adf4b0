"""Runs one campaign and prints its report: `python -m faults --seed 1`. Exits with 1 if any zero is not zero."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faults.campaign import FULL, SHORT, Campaign, play
from faults.places import Storage
from faults.report import table, write_into
from faults.sabotage import SABOTAGES
from vigil.process_exit import exit_now


def main() -> None:
    """Play a campaign by the command line."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random (%(default)s)")
    parser.add_argument("--short", action="store_true", help="a campaign of about two minutes")
    parser.add_argument("--verifications", type=int, help="how many")
    parser.add_argument("--time-scale", type=float, help="how much faster than real time")
    parser.add_argument("--fault-pause", type=float, metavar="SECONDS", help="between two faults, at most")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="break the product on purpose: a zero turns red")
    parser.add_argument("--storage", choices=list(Storage), default=Storage.FOLDER, help="(%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report to a file, too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the table between the marks of a page")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep all files in a folder")
    parser.add_argument(
        "--must-catch", action="store_true", help="exit with 0 only if the sabotage turned its zero red"
    )
    given = parser.parse_args()
    if given.must_catch and not given.sabotage:
        parser.error("--must-catch needs --sabotage")
    size = SHORT if given.short else FULL
    campaign = Campaign(
        seed=given.seed,
        verifications=given.verifications or size.verifications,
        time_scale=given.time_scale or size.time_scale,
        sabotage=given.sabotage,
        storage=Storage(given.storage),
        fault_pause=given.fault_pause,
        size=size,
    )
    with tempfile.TemporaryDirectory(prefix="vigil-faults-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(play(campaign, folder.absolute()))
    content = json.dumps(report, indent=1)
    if given.json:
        given.json.write_text(content + "\n", encoding="utf-8")
    if given.write:
        write_into(given.write, report)
    print(content)
    print(table(report), file=sys.stderr)
    sys.stdout.flush()
    exit_now(0 if _is_as_it_must_be(report, must_catch=given.must_catch) else 1)


def _is_as_it_must_be(report: Mapping[str, Any], *, must_catch: bool) -> bool:
    """Return whether all zeros are zero or, if a sabotage must be caught, whether the zero that it breaks is red."""
    if not must_catch:
        return bool(report["ok"])
    return bool(report["zeros"][SABOTAGES[report["sabotage"]].turns_red])


if __name__ == "__main__":
    main()
