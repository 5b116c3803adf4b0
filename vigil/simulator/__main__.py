"""Serves the simulator until it is stopped: `python -m simulator --port 9000 --time-scale 60`."""

import argparse
import sys
from pathlib import Path

import uvicorn

from vigil.simulator.app import create_app
from vigil.simulator.registry import SIMULATED


def main(arguments: list[str] | None = None) -> None:
    """Serve all simulated providers until the process ends."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port to listen on (%(default)s)")
    parser.add_argument("--mail-port", type=int, default=9025, help="port of the mail server (%(default)s)")
    parser.add_argument(
        "--time-scale", type=_factor, default=60.0, help="contract times are divided by this (%(default)s)"
    )
    parser.add_argument("--keep-in", type=Path, metavar="FILE", help="keep the verifications in a file between starts")
    given = parser.parse_args(arguments)
    sys.stdout.write(
        f"Simulating {', '.join(SIMULATED)} at http://{given.host}:{given.port}/, "
        f"{given.time_scale:g} times as fast as real time, with a mail server on port {given.mail_port}\n"
    )
    sys.stdout.flush()
    uvicorn.run(
        create_app(time_scale=given.time_scale, mail_at=(given.host, given.mail_port), kept_in=given.keep_in),
        host=given.host,
        port=given.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


def _factor(text: str) -> float:
    factor = float(text)
    if factor <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return factor


if __name__ == "__main__":
    main()
