"""Histories that earlier code left behind must replay on this code: an order of commands is a public interface."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from tests.workflows.record_histories import HISTORIES, STORIES
from vigil.domain.record import Record
from vigil.temporal import messages
from vigil.temporal.connection import CONVERTER
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.notification import NotificationWorkflow
from workflows.verification import VerificationWorkflow


def recorded() -> list[Path]:
    return sorted(HISTORIES.glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("verification/acme/recorded", path.read_text())


def test_every_story_has_a_recorded_history() -> None:
    assert {path.stem for path in recorded()} == {story.__name__ for story in STORIES}


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=[VerificationWorkflow, NotificationWorkflow, MessageDeliveryWorkflow], data_converter=CONVERTER
    )

    await replayer.replay_workflow(history(path))


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
    replayer = Replayer(workflows=[Hasty], data_converter=CONVERTER, workflow_runner=UnsandboxedWorkflowRunner())

    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(history(HISTORIES / "approved_by_a_callback.json"))
