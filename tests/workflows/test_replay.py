"""Histories that earlier code left behind must replay on this code: an order of commands is a public interface."""

import ast
import base64
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import NondeterminismError

import workflows
from tests.sealed import CONVERTER, SEAL_AND_PLAIN, connect, seal_history
from tests.workflows.record_histories import DIGESTS, HISTORIES, ROOT, digests, missing, release
from tests.workflows.stories import STORIES
from vigil.domain.record import Record
from vigil.temporal import messages
from vigil.temporal.conversion import PLAIN, make_converter
from vigil.temporal.histories import TYPES, make_replayer
from workflows.registry import WORKFLOWS


def recorded() -> list[Path]:
    """Return the histories of every release."""
    return sorted(HISTORIES.glob("*/*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("verification/acme/recorded", path.read_text())


def events(name: str) -> Iterator[dict[str, Any]]:
    """Yield the attributes of one type of event in every recorded history."""
    for path in recorded():
        yield from (event[name] for event in json.loads(path.read_text())["events"] if name in event)


def markers() -> set[str]:
    """Return the patch markers in every recorded history."""
    found = set()
    for marker in events("markerRecordedEventAttributes"):
        if marker["markerName"] == "core_patch":
            [details] = marker["details"].values()
            found.add(json.loads(base64.b64decode(details["payloads"][0]["data"]))["id"])
    return found


def test_every_story_has_a_history_of_the_present_release() -> None:
    assert [story.name for story in missing()] == [], "`make histories` records what is missing"
    assert {path.stem for path in (HISTORIES / release()).glob("*.json")} == {story.name for story in STORIES}


def test_no_recorded_history_was_replaced_or_removed() -> None:
    lines = [line.split("  ", 1) for line in DIGESTS.read_text().splitlines()]
    kept = {place: digest for digest, place in lines}

    assert digests() == kept, "a changed order of commands needs a marker, or the histories of another release"


def test_a_replaced_history_has_another_digest(tmp_path: Path) -> None:
    again = (HISTORIES / release() / "timed_out.json").read_bytes().replace(b"WRITE", b"write", 1) + b"\n"

    assert sha256(again).hexdigest() not in DIGESTS.read_text()


def test_every_workflow_type_and_every_activity_is_in_a_history() -> None:
    started = {each["workflowType"]["name"] for each in events("workflowExecutionStartedEventAttributes")}
    scheduled = {each["activityType"]["name"] for each in events("activityTaskScheduledEventAttributes")}
    ends = {event["eventType"] for path in recorded() for event in json.loads(path.read_text())["events"][-1:]}

    assert {each.__name__ for each in WORKFLOWS} == started == set(TYPES)
    assert scheduled == {
        "await_state",
        "delete_runs",
        "discover",
        "download",
        "end_runs",
        "erase_due",
        "erase_message",
        "keep_discovering",
        "erase_objects",
        "find_registered",
        "finish_erasure",
        "forget_key",
        "list_left",
        "load_record",
        "poll",
        "prepare_registration",
        "read",
        "recheck",
        "register",
        "replay",
        "report_message",
        "send_message",
        "send_notification",
        "withdraw",
        "write_tombstone",
    }
    assert "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW" in ends


def test_the_registry_has_every_workflow() -> None:
    modules = [importlib.import_module(f"workflows.{each.name}") for each in pkgutil.iter_modules(workflows.__path__)]
    defined = {
        member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type) and hasattr(member, "__temporal_workflow_definition")
    }

    assert set(WORKFLOWS) == defined


def test_every_patch_marker_of_the_code_is_in_a_history() -> None:
    """So a new order of commands comes with a history of that order."""
    used = set()
    for path in (ROOT / "workflows").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "workflow.patched":
                used.add(ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else path.stem)
    known = {"signals" if re.fullmatch(r"unread-signal-\d+", marker) else marker for marker in markers()}

    assert used == known


@pytest.mark.parametrize("path", recorded(), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    await make_replayer(WORKFLOWS).replay_workflow(history(path))


@pytest.mark.parametrize("path", recorded(), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_history_that_was_recorded_before_sealing_replays_with_keys(path: Path) -> None:
    converter = make_converter(SEAL_AND_PLAIN, "default")
    await make_replayer(WORKFLOWS, converter).replay_workflow(history(path))


@pytest.mark.parametrize("path", recorded(), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_a_recorded_history_replays_sealed(path: Path) -> None:
    sealed = await seal_history(history(path))

    assert b'"reference"' not in b"".join(event.SerializeToString() for event in sealed.events)
    await make_replayer(WORKFLOWS, CONVERTER).replay_workflow(sealed)


@workflow.defn(name=messages.VERIFICATION_WORKFLOW)
class Hasty:
    """A change that nobody gated: it asks before it loads."""

    @workflow.run
    async def run(self, order: messages.TrackVerification) -> Record:
        await workflow.sleep(1)
        raise AssertionError

    @workflow.signal
    def register(self, registration: object) -> None:
        return None

    @workflow.signal
    def callback_received(self, callback_event: object) -> None:
        return None


async def test_a_change_in_the_order_of_commands_fails_the_replay() -> None:
    replayer = Replayer(workflows=[Hasty], data_converter=PLAIN, workflow_runner=UnsandboxedWorkflowRunner())

    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(history(HISTORIES / "0.1.0" / "approved_by_a_callback.json"))


@workflow.defn(name="Marked", sandboxed=False)
class Later:
    """A later release, which has sent a marker."""

    @workflow.run
    async def run(self) -> None:
        if workflow.patched("later"):
            await workflow.sleep(0.01)


@workflow.defn(name="Marked", sandboxed=False)
class Earlier:
    """The release before it."""

    @workflow.run
    async def run(self) -> None:
        return None


async def test_a_run_that_has_a_marker_waits_for_the_release_that_knows_it(temporal_address: str) -> None:
    client = await connect(temporal_address, None)
    async with Worker(client, task_queue="marked", workflows=[Later]):
        handle = await client.start_workflow(Later.run, id="marked", task_queue="marked")
        await handle.result()
    recorded_by_later = await handle.fetch_history()

    with pytest.raises(NondeterminismError):
        await Replayer(workflows=[Earlier]).replay_workflow(recorded_by_later)
    await Replayer(workflows=[Later]).replay_workflow(recorded_by_later)
