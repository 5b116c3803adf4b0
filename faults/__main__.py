"""Runs one campaign and prints its report: `python -m faults --seed 1`. Exits with 1 if any zero is not zero."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from faults.campaign import FULL, SHORT, Campaign, play
from faults.report import table
from faults.sabotage import SABOTAGES
from vigil.process_exit import exit_now


def main() -> None:
    """Play a campaign by the command line."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random (%(default)s)")
    parser.add_argument("--short", action="store_true", help="a campaign of about two minutes")
    parser.add_argument("--verifications", type=int, help="how many")
    parser.add_argument("--time-scale", type=float, help="how much faster than real time")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="break the product on purpose: a zero turns red")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report to a file, too")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep all files in a folder")
    given = parser.parse_args()
    size = SHORT if given.short else FULL
    campaign = Campaign(
        seed=given.seed,
        verifications=given.verifications or size.verifications,
        time_scale=given.time_scale or size.time_scale,
        sabotage=given.sabotage,
        size=size,
    )
    with tempfile.TemporaryDirectory(prefix="vigil-faults-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(play(campaign, folder.absolute()))
    content = json.dumps(report, indent=1)
    if given.json:
        given.json.write_text(content + "\n", encoding="utf-8")
    print(content)
    print(table(report), file=sys.stderr)
    sys.stdout.flush()
    exit_now(0 if report["ok"] else 1)


if __name__ == "__main__":
    main()
