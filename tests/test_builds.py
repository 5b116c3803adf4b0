"""Two builds of the workers side by side, as Temporal's Worker Versioning keeps them apart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior
from temporalio.testing import WorkflowEnvironment

from api.app import build_app
from api.dependencies import Dependencies
from tests.api.conftest import in_process
from tests.cli.running import vigil
from tests.sealed import write_keys
from vigil.config.settings import load_settings
from vigil.demo.temporal_server import find_binary
from vigil.domain.explanation import explain
from vigil.domain.message import MessageKind, MessageReceived, MessageRequest
from vigil.domain.registration import Registration
from vigil.domain.verification_key import VerificationKey
from vigil.runtime import Runtime, open_runtime
from vigil.temporal import messages
from vigil.temporal.deployments import BuildRefused, describe_deployment, set_current, set_ramping
from worker import BuildNotNamed, choose_deployment, serving

SETTINGS = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = {{ folder = "keys" }}

[temporal]
address = "{address}"

[storage]
url = "{storage}"

[worker]
deployment = "vigil"

[accounts.id360]
provider = "id360"
base_url = "http://127.0.0.1:1"
username = "vigil"
password = "a password of the test"
callback_headers = {{ Authorization = "7d1c90b3e8a24f56b0c9d3e1f7a86b42" }}
"""


@pytest.fixture
async def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Settings of an installation with a Temporal of its own: a current build is a matter of the whole namespace."""
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    attributes = [f"--search-attribute={name}={kind}" for name, kind in messages.SEARCH_ATTRIBUTES.items()]
    # Temporal's own number is three minutes each.
    grace = [
        f'--dynamic-config-value=matching.wv.VersionDrainageStatus{name}="1s"'
        for name in ("VisibilityGracePeriod", "RefreshInterval")
    ]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()), dev_server_extra_args=[*grace, *attributes]
    ) as environment:
        file = tmp_path / "vigil.toml"
        address = environment.client.service_client.config.target_host
        write_keys(tmp_path / "keys")
        file.write_text(SETTINGS.format(address=address, storage=(tmp_path / "storage").as_uri()))
        file.chmod(0o600)
        yield file


@asynccontextmanager
async def build(config: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Run the worker of one build, and wait until Temporal knows it."""
    monkeypatch.setenv("VIGIL_BUILD", name)
    async with serving(load_settings(config)) as served:
        async with asyncio.timeout(30):
            while name not in await states(served.client):
                await asyncio.sleep(0.1)
        yield


async def once_all_queues_are_known(move: Callable[[], Awaitable[None]]) -> None:
    """Move workflows to a build. Temporal refuses that until the workers of all its queues have asked for work."""
    async with asyncio.timeout(30):
        while True:
            with suppress(BuildRefused):
                return await move()
            await asyncio.sleep(0.1)


async def states(client: Client) -> dict[str, str]:
    deployment = await describe_deployment(client, "vigil")
    return {each.name: each.state for each in deployment.builds} if deployment else {}


def key(reference: str) -> VerificationKey:
    return VerificationKey(account="id360", reference=reference)


async def register(runtime: Runtime, reference: str) -> None:
    await runtime.tracker.register(
        Registration(key=key(reference), registered_by="checkout", registered_at=datetime.now(UTC))
    )


async def withdraw(runtime: Runtime, reference: str) -> None:
    command = messages.Withdraw(author="an-operator")
    within = timedelta(seconds=20)
    await runtime.tracker.command(key(reference), "withdraw", command, command_id=reference, within=within)


async def wait_for_build(run: WorkflowHandle[Any, Any]) -> tuple[str, VersioningBehavior]:
    """Return the build on which a workflow ran its last task, and whether it stays there."""
    async with asyncio.timeout(30):
        while True:
            versioning = (await run.describe()).raw_description.workflow_execution_info.versioning_info
            if versioning.deployment_version.build_id:
                return versioning.deployment_version.build_id, VersioningBehavior(versioning.behavior)
            await asyncio.sleep(0.1)


async def builds_of(runtime: Runtime, *references: str) -> set[str]:
    return {(await wait_for_build(runtime.tracker.handle(key(reference))))[0] for reference in references}


async def unhealthy_parts(runtime: Runtime) -> dict[str, str]:
    """Return what the API finds unhealthy in the installation, and how to repair it."""
    parts = Dependencies(
        accounts=runtime.accounts,
        tracker=runtime.tracker,
        storage=runtime.storage,
        digester=runtime.digester,
        endpoints=frozenset(),
    )
    async with in_process(build_app(parts)) as api:
        checks = (await api.get("/health/installation")).json()["checks"]
    return {check["name"]: check["action"] for check in checks if not check["healthy"]}


async def explained(runtime: Runtime, reference: str) -> str:
    known = await runtime.lookup.get(key(reference))
    plan = runtime.tracker.account("id360").plan_for(None)
    return explain(known.situation, plan=plan, now=datetime.now(UTC)).sentence


async def test_nothing_runs_before_a_build_is_current_and_whoever_is_asked_says_so(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    order = MessageRequest(
        key=key("1001"),
        path="id360/1001",
        kind=MessageKind.ONE_TIME_PASSWORD,
        digest="a" * 26,
        received_at=now,
        send_before=now + timedelta(minutes=2),
    )
    async with open_runtime(load_settings(config)) as runtime, build(config, "b1", monkeypatch):
        await register(runtime, "1001")
        async with asyncio.timeout(30):
            while "build" not in (before := await explained(runtime, "1001")):
                await asyncio.sleep(0.1)
        unhealthy = await unhealthy_parts(runtime)
        checked = await vigil("check", config=config)
        deployed = await vigil("deploy", "current", "b1", config=config)
        ran_on = await wait_for_build(runtime.tracker.handle(key("1001")))
        after = await explained(runtime, "1001"), await unhealthy_parts(runtime)
        await runtime.tracker.start_message(MessageReceived(order=order, receipt="inbox/pending/test"))
        message_ran_on = await wait_for_build(runtime.client.get_workflow_handle(order.workflow_id))

    assert before == (
        "no build is current, so the workers of b1 get no work from `verifications`: run `vigil deploy current b1`"
    )
    assert "no build of the deployment vigil is current: run `vigil deploy current BUILD`" in checked.stdout
    assert checked.returncode == 1
    assert deployed.stdout.split() == ["b1", "current", "runs", "the", "workflows"]
    assert ran_on == ("b1", VersioningBehavior.AUTO_UPGRADE)
    assert message_ran_on == ("b1", VersioningBehavior.PINNED)
    assert unhealthy == {"verifications": before, "account id360": before.replace("verifications", "provider/id360")}
    assert "build" not in after[0]
    assert after[1] == {}


async def test_a_ramp_moves_a_part_the_next_build_takes_over_and_the_one_before_takes_back(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [str(reference) for reference in range(1001, 1013)]
    async with open_runtime(load_settings(config)) as runtime:
        client = runtime.client
        async with build(config, "b1", monkeypatch):
            with pytest.raises(BuildRefused):
                await set_current(client, "vigil", "b2")
            await set_current(client, "vigil", "b1")
            for reference in some:
                await register(runtime, reference)
            began_on = await builds_of(runtime, *some)
            async with build(config, "b2", monkeypatch):
                beside = await states(client)
                await once_all_queues_are_known(lambda: set_ramping(client, "vigil", "b2", 50))
                ramping = await states(client)
                for reference in some:
                    await withdraw(runtime, reference)
                split = await builds_of(runtime, *some)
                await set_ramping(client, "vigil", "b2", 0)
                await register(runtime, "2001")
                await register(runtime, "3001")
                after_the_ramp = await builds_of(runtime, "2001", "3001")
                await set_current(client, "vigil", "b2")
                switched = await states(client)
        monkeypatch.setenv("VIGIL_BUILD", "b2")
        async with serving(load_settings(config)), asyncio.timeout(60):
            await withdraw(runtime, "2001")
            ended_on = await builds_of(runtime, "2001")
            while (drained := await states(client)) == switched:
                await asyncio.sleep(0.2)
            explanation = await explained(runtime, "2001")
            async with build(config, "b1", monkeypatch):
                await once_all_queues_are_known(lambda: set_current(client, "vigil", "b1"))
                await withdraw(runtime, "3001")
                rolled_back = await states(client)
        back_on = await builds_of(runtime, "3001")

    assert began_on == {"b1"}
    assert beside == {"b2": "new", "b1": "current"}
    assert ramping == {"b2": "ramping", "b1": "current"}
    assert split == {"b1", "b2"}
    assert after_the_ramp == {"b1"}
    assert switched == {"b2": "current", "b1": "draining"}
    assert ended_on == {"b2"}
    assert drained == {"b2": "current", "b1": "drained"}
    assert rolled_back == {"b2": "draining", "b1": "current"}
    assert back_on == {"b1"}
    assert "build" not in explanation


def test_a_worker_of_a_deployment_does_not_start_without_the_name_of_its_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIGIL_BUILD", raising=False)

    with pytest.raises(BuildNotNamed, match="set VIGIL_BUILD to the build of this worker"):
        choose_deployment("vigil", VersioningBehavior.AUTO_UPGRADE)
