import signal
import socket
import subprocess
import time
from dataclasses import astuple
from pathlib import Path

import httpx
import pytest

from tests.cli.running import ROOT, command, environment
from vigil.cli.dev import take_free_ports
from vigil.cli.errors import CommandError
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack, StackFailed, python_program
from vigil.simulator.registry import SIMULATED_ACCOUNTS


def dev(folder: Path, ports: Ports) -> list[str]:
    return command(
        "dev",
        f"--folder={folder}",
        f"--temporal-port={ports.temporal}",
        f"--ui-port={ports.ui}",
        f"--api-port={ports.api}",
        f"--simulator-port={ports.simulator}",
        f"--mail-port={ports.mail}",
        f"--codec-port={ports.codec}",
    )


def started(folder: Path, ports: Ports, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as written:
        process = subprocess.Popen(
            dev(folder, ports), cwd=ROOT, env=environment(), stdout=written, stderr=written, process_group=0
        )
    while "Press Ctrl-C to stop everything" not in output.read_text():
        assert process.poll() is None, output.read_text()
        time.sleep(0.1)
    return process


def stopped(process: subprocess.Popen[bytes], how: signal.Signals) -> int:
    process.send_signal(how)
    return process.wait(timeout=60)


def test_dev_serves_on_the_ports_it_was_given_until_it_is_interrupted_and_starts_again(tmp_path: Path) -> None:
    ports, output = Ports.find_free(), tmp_path / "output"

    process = started(tmp_path / "dev", ports, output)
    key = (tmp_path / "dev" / "key").read_text().strip()
    at = f"http://127.0.0.1:{ports.api}/health/ready"
    live = httpx.get(at, headers={"authorization": f"Bearer {key}"}, trust_env=False)
    stranger = httpx.get(at, trust_env=False)
    ended = stopped(process, signal.SIGINT)

    assert live.json()["ready"] is True
    assert stranger.status_code == 401
    assert f'-H "Authorization: Bearer $(cat {tmp_path / "dev" / "key"})"' in output.read_text()
    assert key not in output.read_text()
    assert ended == 0
    assert ports.find_taken() == {}
    assert f"http://127.0.0.1:{ports.api}" in output.read_text()
    kept = (tmp_path / "dev" / "vigil.toml").read_text()

    again = started(tmp_path / "dev", ports, output)
    assert stopped(again, signal.SIGTERM) == 0
    assert ports.find_taken() == {}
    assert (tmp_path / "dev" / "vigil.toml").read_text() == kept


def test_a_taken_port_is_one_sentence_and_nothing_is_started(tmp_path: Path) -> None:
    ports = Ports.find_free()
    with socket.create_server(("127.0.0.1", ports.api)):
        ended = subprocess.run(
            dev(tmp_path / "dev", ports), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"vigil: Another program uses port {ports.api} (for api).")
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "dev").exists()


async def test_a_part_that_does_not_start_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    stack = Stack(tmp_path, Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=600, in_memory=True)
    broken = ["-c", "import sys; sys.exit('the disk is on fire')"]
    stack.programs["worker"] = python_program(broken, log=stack.log("worker"), config=stack.config)

    with pytest.raises(StackFailed, match=r"worker ended with code 1:\nthe disk is on fire"):
        async with stack.run():
            pass

    assert [program.pid for program in stack.programs.values()] == [None, None, None]


def test_free_ports_are_the_same_at_each_start_of_a_folder_and_others_in_another(tmp_path: Path) -> None:
    first, again = take_free_ports(tmp_path / "one"), take_free_ports(tmp_path / "one")
    other = take_free_ports(tmp_path / "other")

    assert first == again
    assert len(set(astuple(first))) == 6
    assert not set(astuple(first)) & set(astuple(other))


def test_a_folder_whose_settings_name_other_ports_gets_no_free_ones(tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").touch()

    with pytest.raises(CommandError, match="has settings with ports of their own"):
        take_free_ports(tmp_path)
