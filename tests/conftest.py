"""What every test stands on: no way out of this machine, one Temporal server, and an honest exit code."""

import gc
import re
import signal
import socket
from collections.abc import AsyncIterator, Container, Generator, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from vigil.demo.temporal_server import run_temporal_server
from vigil.process_exit import exit_now
from vigil.temporal.messages import SEARCH_ATTRIBUTES


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep Python's garbage collector from looking through all collected tests again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class OutsideConnection(Exception):
    """A test tried to reach another machine."""


def _refuse_outside(address: Any) -> None:
    if not isinstance(address, tuple):
        return  # a Unix socket's path
    host = address[0]
    try:
        inside = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise OutsideConnection(f"tests may connect to this machine only, not to {host}")


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Guards Python's sockets; the Temporal SDK opens its own, and is only ever given our server."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_outside(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_outside(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real Temporal server that knows our search attributes, shared by all tests of the run."""
    log = tmp_path_factory.mktemp("temporal") / "server.log"
    async with run_temporal_server(log=log, search_attributes=SEARCH_ATTRIBUTES) as server:
        yield server.address


def pytest_configure() -> None:
    """Lets the programs of tests hear Ctrl-C: a shell starts what runs in the background with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses ids that differ between the processes of one run, which could then run no test at all.

    Refuses a test that `make test` would not find, too. Where `--last-failed` knows of no test that failed, pytest runs
    all tests; here it runs none.
    """
    if differing := [item.nodeid for item in items if re.search(r" at 0x[0-9a-f]{6}", item.nodeid)]:
        raise pytest.UsageError(f"give these tests an id that is the same in every process: {differing}")
    if unseen := {str(item.path) for item in items if item.get_closest_marker("alone") and not marks_alone(item.path)}:
        raise pytest.UsageError(f"`make test` searches files for `mark.alone`; write it in these too: {unseen}")
    if config.getoption("lf", default=False) and config.cache is not None:
        items[:] = failed_before(items, config.cache.get("cache/lastfailed", {}))


def marks_alone(file: Path) -> bool:
    return "mark.alone" in file.read_text()


def failed_before(items: Sequence[pytest.Item], failed: Container[str]) -> list[pytest.Item]:
    return [item for item in items if item.nodeid in failed]


FINISHED = pytest.StashKey[pytest.Session]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    gc.unfreeze()  # the stream of a pipe is flushed when it is collected
    session.config.stash[FINISHED] = session


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves once the summary is printed: the SDK may abort an interpreter that is left to end by itself."""
    if (session := config.stash.get(FINISHED, None)) is not None:
        exit_now(int(session.exitstatus))
