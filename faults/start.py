"""Starts a process of the product or the simulator as it is, with the campaign's faults around it.

A sabotage, if one is named, replaces one function of the product first: that is how the campaign is tested.
"""

import argparse
import hashlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from faults import storage_faults
from faults.ledger import Journal
from faults.sabotage import SABOTAGES

FILES: Final = "files.jsonl"
_LINKS_LIVE_FOR: Final = timedelta(minutes=5)
_REPLAYED_WITHIN: Final = timedelta(minutes=3)


def main() -> None:
    """Start the process until it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("process", choices=["api", "worker", "simulator"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--time-scale")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES))
    given = parser.parse_args()
    if given.process == "simulator":
        _simulate(given.port, given.time_scale, given.folder)
        return
    storage_faults.install()
    _give_replays_room()
    if given.sabotage:
        SABOTAGES[given.sabotage].apply()
    if given.process == "api":
        from vigil.cli.serve import serve_api  # noqa: PLC0415 -- each process imports what it runs

        serve_api(None, None, given.port)
    else:
        sys.argv = ["worker.py"]
        from worker import main as work  # noqa: PLC0415 -- as above

        work()


def _give_replays_room() -> None:
    """Wait longer for the answer to a replay than fast time would: no worker becomes faster with the clock."""
    from vigil.domain.sender_contract import SenderContract  # noqa: PLC0415 -- as above

    scaled = SenderContract.scaled

    def with_room(self: SenderContract, factor: float) -> SenderContract:
        contract = scaled(self, factor)
        within = contract.tracking.replay_answered_within
        room = max(within, _REPLAYED_WITHIN) if within is not None else None
        tracking = contract.tracking.model_copy(update={"replay_answered_within": room})
        return contract.model_copy(update={"tracking": tracking})

    SenderContract.scaled = with_room  # type: ignore[method-assign]


def _simulate(port: int, time_scale: str, folder: Path) -> None:
    """Serve the simulator, and write down every file that it hands out, before any fault of the download."""
    from vigil.simulator import base  # noqa: PLC0415 -- as above
    from vigil.simulator.__main__ import main as simulate  # noqa: PLC0415 -- as above
    from vigil.simulator.smile_id import files  # noqa: PLC0415 -- as above

    journal, send_file = Journal(folder / FILES), base.SimulatedVerification.send_file
    known: set[tuple[str, str]] = set()

    def noted(self: Any, name: str, file: Any) -> Any:
        entry = (self.reference, hashlib.sha256(file.content).hexdigest())
        if entry not in known:
            known.add(entry)
            journal.write({"reference": entry[0], "sha256": entry[1]})
        return send_file(self, name, file)

    def long_lived(self: Any, address: str, job: str, name: str, *, live_for: timedelta) -> str:
        # A machine does not download faster when the clock runs faster.
        life = live_for if live_for < timedelta(0) else max(live_for, _LINKS_LIVE_FOR * float(time_scale))
        return link(self, address, job, name, live_for=life)

    link = files.Links.link
    files.Links.link = long_lived  # type: ignore[method-assign]
    base.SimulatedVerification.send_file = noted  # type: ignore[method-assign]
    state = str(folder / "simulator.state")
    mail = ["--mail-port", "0"]
    simulate(["--port", str(port), *mail, "--time-scale", time_scale, "--keep-in", state])


if __name__ == "__main__":
    main()
