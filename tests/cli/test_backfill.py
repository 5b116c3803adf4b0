"""After an outage: what the provider says and nobody heard is shown, and read by the ordinary path."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.cli.running import command, environment, vigil
from vigil.demo.ports import LOOPBACK, Ports
from vigil.demo.simulator_accounts import authorization, read_key, write_settings
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
ACCOUNT = "assure"
OF_IT = next(account for account in SIMULATED_ACCOUNTS if account.name == ACCOUNT)
PERIOD = ("--account", ACCOUNT, "--from", "10m")
QUIET = 'discovery = false\nreads_per_second = 0.01\ntracking = { callback_expected_within = "10d" }\n'
"""Nothing is heard and nothing is asked during the test: a read every third of a second, and only by commands."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEMPORAL_ADDRESS", raising=False)
        folder, ports = tmp_path_factory.mktemp("stack"), Ports.find_free()
        config = folder / "vigil.toml"
        write_settings(config, [OF_IT], ports, temporal=f"{LOOPBACK}:{ports.temporal}", time_scale=600)
        config.write_text(config.read_text().replace(f"[accounts.{ACCOUNT}]\n", f"[accounts.{ACCOUNT}]\n{QUIET}"))
        async with Stack(folder, ports, accounts=[OF_IT], time_scale=600).run() as stack:
            yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = authorization(read_key(stack.config))
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as http:
        yield http


async def create(stack: Stack, http: httpx.AsyncClient, count: int, *, registered: bool) -> list[str]:
    """Have the provider decide verifications, and tell nobody of it."""
    references = []
    for _ in range(count):
        scenario = {"client": ACCOUNT, "generation": "legacy", "endpoints": [], "think": "PT10S", "step_every": "PT5S"}
        created = await http.post(f"{stack.simulator}/control/signicat/verifications", json=scenario)
        references.append(str(created.raise_for_status().json()["reference"]))
        if registered:
            registration = {"account": ACCOUNT, "reference": references[-1], "evidence": []}
            (await http.post(f"{stack.api}/verifications", json=registration)).raise_for_status()
    return references


async def states(stack: Stack, http: httpx.AsyncClient, references: Sequence[str]) -> list[Any]:
    """Return decision and revision of each; None: it is not tracked."""
    found = []
    for reference in references:
        answer = await http.get(f"{stack.api}/verifications/{ACCOUNT}/{reference}")
        state = answer.json().get("state") if answer.status_code == 200 else None
        found.append((state["decision"], state["revision"]) if state else None)
    return found


async def filled(config: Path, *options: str) -> dict[str, Any]:
    ended = await vigil("backfill", *PERIOD, "--json", *options, config=config)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


async def test_what_was_missed_is_shown_then_read_and_a_kill_and_a_repetition_do_no_harm(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    known = await create(stack, http, 6, registered=True)
    unknown = await create(stack, http, 2, registered=False)
    await asyncio.sleep(3)  # half an hour at the provider

    shown = await filled(stack.config, "--dry-run")
    untouched = await states(stack, http, [*known, *unknown])

    assert (shown["open"], shown["listed"], shown["failed"]) == (6, 8, [])
    assert {each["reference"]: each["known"] and each["known"]["stage"] for each in shown["differences"]} == {
        **dict.fromkeys(known, "awaiting_applicant"),
        **dict.fromkeys(unknown),
    }
    assert [each["provider"]["decision"] for each in shown["differences"] if each["known"]] == ["approved"] * 6
    assert not any(each["is_applied"] for each in shown["differences"])
    assert untouched == [(None, 0)] * 6 + [None] * 2

    process = await asyncio.create_subprocess_exec(
        *command("--config", str(stack.config), "backfill", *PERIOD), env=environment(), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        while ("approved", 1) not in await states(stack, http, known):
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    halfway = await states(stack, http, [*known, *unknown])
    applied = await filled(stack.config)
    async with asyncio.timeout(60):
        while set(await states(stack, http, [*known, *unknown])) != {("approved", 1)}:
            await asyncio.sleep(0.2)
    again = await filled(stack.config)

    assert 0 < halfway.count(("approved", 1)) < 8
    assert applied["failed"] == []
    assert all(each["is_applied"] for each in applied["differences"])
    assert set(unknown) <= {each["reference"] for each in applied["differences"]}
    assert (again["listed"], again["differences"], again["failed"]) == (8, [], [])


async def test_a_provider_that_gives_no_answer_fails_and_the_next_run_succeeds(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    [reference] = await create(stack, http, 1, registered=True)
    await asyncio.sleep(2)
    outage = f"{stack.simulator}/control/outage"
    (await http.post(outage, json={"provider": "signicat"})).raise_for_status()
    ended = await vigil("backfill", *PERIOD, config=stack.config)
    (await http.post(outage, json={"provider": "signicat", "on": False})).raise_for_status()
    shown = await vigil("backfill", *PERIOD, "--dry-run", config=stack.config)

    assert ended.returncode in {1, 2}
    assert "The provider gives no usable answer" in ended.stderr
    assert shown.returncode == 0
    assert f"{reference} awaiting applicant → approved, concluded" in shown.stdout
    assert shown.stdout.splitlines()[-1].endswith("would be read: 1, failed: 0")


async def test_a_period_without_length_and_an_unknown_account_are_refused(stack: Stack) -> None:
    backwards = await vigil("backfill", "--account", ACCOUNT, "--from", "1h", "--to", "2h", config=stack.config)
    nobody = await vigil("backfill", "--account", "nobody", "--from", "1h", config=stack.config)

    assert (backwards.returncode, backwards.stderr) == (2, "vigil: Give --from before --to.\n")
    assert (nobody.returncode, "assure" in nobody.stderr) == (2, True)
