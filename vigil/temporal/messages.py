"""The names, inputs and results of workflows and activities, and the commands of a verification.

`activities/` implements what stands here; whoever starts or signals a workflow speaks in these terms too.
"""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, Self, TypeAlias

from pydantic import Field
from temporalio.api.common.v1 import Payload

from vigil.domain.callback_event import CallbackEvent
from vigil.domain.digest import Digester
from vigil.domain.evidence import EvidenceRow
from vigil.domain.message import MessageOutcome, MessageReceived, MessageRequest, MessageResult
from vigil.domain.models import MessageModel, StoredModel
from vigil.domain.notification import NotificationRow
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import Artifact, ReadRequest, ReadResult
from vigil.domain.terms import (
    Attention,
    Basis,
    Decision,
    Instant,
    KeyedDigest,
    MediaType,
    Name,
    Outcome,
    ProviderName,
    ReasonCode,
    Shown,
    Stage,
    StorageName,
    TraceParent,
    Word,
)
from vigil.domain.tombstone import ErasureCause
from vigil.domain.tracking_plan import TrackingPlan
from vigil.domain.verdict import Cause
from vigil.domain.verification_key import VerificationKey

VERIFICATION_WORKFLOW: Final = "VerificationWorkflow"
NOTIFICATION_WORKFLOW: Final = "NotificationWorkflow"
MESSAGE_DELIVERY_WORKFLOW: Final = "MessageDeliveryWorkflow"
CONTINUOUS_DISCOVERY_WORKFLOW: Final = "ContinuousDiscoveryWorkflow"
DISCOVERY_WORKFLOW: Final = "DiscoveryWorkflow"
RECHECK_WORKFLOW: Final = "RecheckWorkflow"
ERASURE_WORKFLOW: Final = "ErasureWorkflow"
RETENTION_WORKFLOW: Final = "RetentionWorkflow"
VERIFY_WORKFLOW: Final = "Verify"
"""Part of our interface: backends start it from any language."""
MEMO: Final = "vigil"

VERIFICATIONS_QUEUE: Final = "verifications"
ARTIFACTS_QUEUE: Final = "artifacts"
NOTIFICATIONS_QUEUE: Final = "notifications"
MESSAGES_QUEUE: Final = "messages"


def provider_queue(account: str) -> str:
    """Return the task queue for reads of one account, whose rate the server caps."""
    return f"provider/{account}"


def discovery_id(account: str) -> str:
    """Return the id of the workflow that looks for what nobody registered, and of the schedule that did before."""
    return f"discovery/{account}"


class StartedBy(StrEnum):
    """Why a run was started."""

    EVENT = "event"
    """A backend, a provider or a person sent something."""
    DISCOVERY = "discovery"
    """The provider lists it, and no backend registered it."""
    RECHECK = "recheck"
    """Its verdict may have changed."""


Signal: TypeAlias = Registration | CallbackEvent | MessageOutcome | MessageReceived | NotificationRow
SIGNALS: Final[Mapping[str, type[Signal]]] = {
    "register": Registration,
    "callback_received": CallbackEvent,
    "message_reported": MessageOutcome,
    "message_received": MessageReceived,
    "notification_reported": NotificationRow,
}
"""What the signals of our workflows carry, by the signal's name."""

MOST_UNREAD: Final = 20
LONGEST_UNREAD: Final = 32_768


class UnreadSignal(StoredModel):
    """A signal in the input of a run: its name, and its payload as base64 of the protobuf message.

    The run before could not read it, or nobody has sent it: a first run begins with its registration.
    """

    name: Word
    received_at: Instant
    payload: str = Field(repr=False)

    @classmethod
    def of(cls, name: str, payload: Payload, at: datetime) -> Self:
        """Return a signal as Temporal has it, or would have it."""
        return cls(name=name, received_at=at, payload=base64.b64encode(payload.SerializeToString()).decode())


class TrackVerification(StoredModel):
    """The input of a run: which verification, and its path in storage. Everything else is in its record."""

    key: VerificationKey
    path: str
    provider: ProviderName
    environment: Name
    opened_at: Instant
    started_by: StartedBy = StartedBy.EVENT
    unread: tuple[UnreadSignal, ...] = Field((), max_length=MOST_UNREAD)
    wants_read: Cause | None = Field(None, description="why the run before wanted a read that it could not wait for")
    follows: Word | None = Field(None, description="the run before, if it ended in Temporal without storing its record")

    def continued(self, *, unread: tuple[UnreadSignal, ...], wants_read: Cause | None) -> Self:
        """Return the input of the run that goes on with the record of this one."""
        return self._with(started_by=StartedBy.EVENT, unread=unread, wants_read=wants_read, follows=None)

    def beginning_with(self, signal: UnreadSignal) -> Self:
        """Return the input of a run that reads a signal first, which nobody has to send then."""
        return self._with(unread=(signal,))

    def following(self, run: str) -> Self:
        """Return the input of a run after one that ended in Temporal without storing its record."""
        return self._with(follows=run)

    def started_because(self, by: StartedBy) -> Self:
        """Return the input of a run that is started for another reason."""
        return self._with(started_by=by)


LOAD_RECORD: Final = "load_record"
WRITE_RECORD: Final = "write_record"
READ: Final = "read"
POLL: Final = "poll"
DOWNLOAD: Final = "download"
SEND_NOTIFICATION: Final = "send_notification"
SEND_MESSAGE: Final = "send_message"
ERASE_MESSAGE: Final = "erase_message"
REPORT_MESSAGE: Final = "report_message"
DISCOVER: Final = "discover"
KEEP_DISCOVERING: Final = "keep_discovering"
RECHECK: Final = "recheck"
REPLAY: Final = "replay"
END_RUNS: Final = "end_runs"
WRITE_TOMBSTONE: Final = "write_tombstone"
FORGET_KEY: Final = "forget_key"
ERASE_OBJECTS: Final = "erase_objects"
DELETE_RUNS: Final = "delete_runs"
LIST_LEFT: Final = "list_left"
FINISH_ERASURE: Final = "finish_erasure"
ERASE_DUE: Final = "erase_due"
PREPARE_REGISTRATION: Final = "prepare_registration"
REGISTER: Final = "register"
FIND_REGISTERED: Final = "find_registered"
AWAIT_STATE: Final = "await_state"
WITHDRAW: Final = "withdraw"

DISCOVERED: Final = "Discovered"
"""The error type of a round of discovery that succeeded; its details are one `DiscoveryResult`."""
UNCHANGED: Final = "Unchanged"
"""The error type of a poll that has nothing new; its details are one `Unchanged`."""


class LoadRecord(MessageModel):
    """Input of `load_record`."""

    path: str
    account: Name
    follows: Word | None = Field(None, description="as in `TrackVerification`")


class InterruptedRun(StoredModel):
    """What Temporal's history holds of a run that an operator ended there, and of those before it that stored nothing.

    `signals`: registrations, reports of messages, and the commands of persons, in their order.
    """

    revision: int
    sequence: int
    signals: tuple[UnreadSignal, ...] = Field((), max_length=MOST_UNREAD)


class LoadedRecord(StoredModel):
    """The newest record, its number, and the plan of every sender of the account."""

    record: Record | None
    number: int
    plans: Mapping[Name, TrackingPlan]
    default_sender: Name
    interrupted: InterruptedRun | None = None
    is_erased: bool = False


class WriteRecord(MessageModel):
    """Input of `write_record`; the result is the number of the written record."""

    path: str
    number: int
    record: Record


class ReadInput(MessageModel):
    """Input of `read`. `traceparent` is the span of the callback that caused it."""

    path: str
    question: ReadRequest
    traceparent: TraceParent | None = None


class PollInput(MessageModel):
    """Input of `poll`: ask until the answer is not the known one."""

    path: str
    question: ReadRequest
    known: ReadResult | None
    stage: Stage
    entered_at: Instant
    confirmation_until: Instant | None = None

    def asks_the_same_as(self, other: "PollInput") -> bool:
        """Whether another poll would read the same thing until the same answer changes."""
        if self.known is None or other.known is None:
            same_known = self.known is other.known
        else:
            same_known = self.known.says_the_same_as(other.known)
        return same_known and self == other._with(known=self.known)  # noqa: SLF001 -- of this class


class Unchanged(MessageModel):
    """Why a poll goes on sleeping; `explain` reads it from the pending activity."""

    asked_at: Instant | None
    answer: str
    next_at: Instant
    trouble_since: Instant | None = None


class DownloadInput(MessageModel):
    """Input of `download`."""

    path: str
    question: ReadRequest
    artifact: Artifact
    result: StorageName | None


class DownloadProgress(MessageModel):
    """The second detail of the heartbeats of `download`. With size and ETag, `received` bytes are stored in parts."""

    media_type: MediaType = None
    size: int | None = None
    etag: str | None = None
    received: int = 0


class DownloadResult(MessageModel):
    """The result of a download: the settled row, or `expected` again if the file comes later."""

    row: EvidenceRow


def notification_id(message_id: str, endpoint: str) -> str:
    """Return the id of the workflow that notifies an endpoint. All of a verification begin with its path."""
    return f"notification/{message_id}/{endpoint}"


NotificationType: TypeAlias = Literal["verification.revised", "verification.completed"]


class Notification(MessageModel):
    """Input of `NotificationWorkflow` and `send_notification`: thin, without personal data."""

    endpoint: Name
    message_id: str
    key: VerificationKey
    path: str
    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None
    at: Instant
    type: NotificationType = "verification.revised"
    applicant: Word | None = None
    verification: VerificationKey | None = Field(None, description="as Temporal may hold it; `key` is for backends")

    @property
    def subject(self) -> str:
        """What it reports, for operators."""
        about = f"revision {self.revision}"
        return about if self.type == "verification.revised" else f"the completion of {about}"


class NotificationResult(MessageModel):
    """How a notification ended."""

    result: Literal["delivered", "gone", "given_up"]
    attempts: int


class SendMessage(MessageModel):
    """Input of `send_message`: the text is read from the receipt.

    `is_uncertain`: an earlier attempt may have sent it.
    """

    received: MessageReceived
    message_id: str
    is_uncertain: bool
    is_admitted: bool = Field(default=False, description="an earlier attempt has taken it from the budgets")


class SendAttempt(MessageModel):
    """The result of one attempt; `again`: another attempt before `send_before` may succeed and does no harm."""

    result: MessageResult
    why: Word | None = None
    again: bool = False
    is_admitted: bool = Field(default=False, description="this or an earlier attempt has taken it from the budgets")

    def after(self, earlier: "SendAttempt") -> "SendAttempt":
        """Add this attempt to the earlier ones: a message that may have been sent stays so until one was sent."""
        if self.result is MessageResult.TOO_LATE:
            return earlier
        if earlier.result is not MessageResult.UNKNOWN:
            return self
        return self._with(why="after_unknown") if self.result is MessageResult.SENT else earlier


class EraseMessage(MessageModel):
    """Input of `erase_message`: erase text and address of the message."""

    receipts: tuple[StorageName, ...]


class ReportMessage(MessageModel):
    """Input of `report_message`: report the result to the verification, if there is one."""

    order: MessageRequest
    noted: MessageOutcome


class DiscoveryInput(MessageModel):
    """Input of `DiscoveryWorkflow`, which schedules of the releases before start: one round.

    The first run of an account looks back for `looks_back`, each later one to `overlap` before the end of the last.
    """

    account: Name
    grace: timedelta
    looks_back: timedelta
    overlap: timedelta
    starts_every: timedelta


class ContinuousDiscoveryInput(MessageModel):
    """Input of `ContinuousDiscoveryWorkflow` and of `keep_discovering`: from when on the first round looks."""

    account: Name
    since: Instant


class DiscoverInput(MessageModel):
    """Input of `discover`: what was created from `since` on and before `until`, one at most every `starts_every`."""

    account: Name
    since: Instant
    until: Instant
    starts_every: timedelta


class DiscoveryResult(MessageModel):
    """How far a discovery came, how many verifications were listed, and how many of them it started."""

    until: Instant
    listed: int
    started: int


class RecheckSchedule(MessageModel):
    """Input of `RecheckWorkflow`: when a verdict that may change is read again."""

    key: VerificationKey
    revision: int
    due_at: tuple[Instant, ...]


class RecheckInput(MessageModel):
    """Input of `recheck`; the result is whether that revision is still the last."""

    key: VerificationKey
    revision: int


def erasure_id(path: str) -> str:
    """Return the id of the workflow that erases the data of the verification at a path."""
    return f"erasure/{path}"


class EraseData(MessageModel):
    """Input of `ErasureWorkflow` and of its steps."""

    key: VerificationKey
    path: str
    asked_by: Name
    cause: Shown[ErasureCause]
    at: Instant


class Erased(MessageModel):
    """The result of a step: how much of each kind it erased, and which runs.

    Runs by their identifiers: the server takes some seconds to delete one, and takes a second order until then.
    """

    counts: Mapping[Word, int] = Field(default_factory=dict)
    runs: tuple[str, ...] = ()


class FinishErasure(MessageModel):
    """Input of `finish_erasure`."""

    order: EraseData
    counts: Mapping[Word, int]
    key_forgotten: bool


class RetentionPage(MessageModel):
    """Input and result of `RetentionWorkflow` and `erase_due`: how far it came, and how much was erased."""

    after: str | None = Field(None, description="the last folder that was looked at; None: the beginning, or the end")
    counts: Mapping[Word, int] = Field(default_factory=dict)


class _Command(MessageModel):
    """What all commands have. `mark` is the keyed digest of the whole command, which its answer repeats.

    So a caller that uses one id for two commands learns that its second one was not carried out.
    """

    author: Name
    mark: KeyedDigest | None = None

    def marked(self, name: str, digester: Digester) -> Self:
        """Return the command with its mark."""
        said = self.model_dump_json(exclude={"mark"})
        return self._with(mark=digester.digest("command", f"{name} {said}"))


class PreparedRegistration(MessageModel):
    """The result of `prepare_registration`: what a backend that starts a verification in Temporal cannot know."""

    order: TrackVerification
    registration: Registration


class VerifyOrder(MessageModel):
    """Input of `await_state` and `withdraw`: which verification a `Verify` waits for, until what."""

    key: VerificationKey
    until: Literal["outcome", "complete"]
    withdraw_if_canceled: bool
    path: str | None = Field(None, description="None from a worker that names none")


class VerifiedState(MessageModel):
    """The result of `Verify`: the published state. Part of our interface, as plain JSON."""

    account: Name
    reference: str
    applicant: Word | None
    revision: int
    sequence: int
    stage: Shown[Stage]
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None
    basis: Shown[Basis] | None
    attention: tuple[Shown[Attention], ...]
    evidence: Mapping[Word, int] = Field(description="how many files are in each state")


class PollNow(_Command):
    """Update `poll_now`."""


class ExtendDeadline(_Command):
    """Update `extend_deadline`."""

    deadline_at: Instant


class Withdraw(_Command):
    """Update `withdraw`."""


class Resolve(_Command):
    """Update `resolve`: a person decides, for a coded reason."""

    decision: Decision
    reason: ReasonCode = ReasonCode.OTHER


AnyCommand: TypeAlias = PollNow | Resolve | Withdraw | ExtendDeadline
Command: TypeAlias = Resolve | Withdraw | ExtendDeadline
COMMANDS: Final[Mapping[str, type[Command]]] = {
    "resolve": Resolve,
    "withdraw": Withdraw,
    "extend_deadline": ExtendDeadline,
}
"""The commands that a run carries out for the interrupted run before it."""


class CommandAccepted(MessageModel):
    """The answer to a command that was accepted. `mark` is the command's; None from a worker that repeats none."""

    revision: int
    sequence: int
    stage: Stage
    decision: Decision | None
    outcome: Outcome | None
    mark: KeyedDigest | None = None


TEMPORAL: Final = "temporal"
"""The author of a withdrawal by "Request Cancellation": a workflow does not learn which operator that was."""

REFUSED: Final = "CommandRefused"
"""The error type of a command that does not fit where the verification stands."""

ON_HOLD: Final = "OnHold"
"""The error type of an erasure that a legal hold forbids."""

REFUSED_INPUT: Final = "InvalidInput"
"""The error type of a workflow whose input nobody can use."""

SEARCH_ATTRIBUTES: Final[Mapping[str, str]] = {
    "VigilAccount": "Keyword",
    "VigilProvider": "Keyword",
    "VigilStage": "Keyword",
    "VigilDecision": "Keyword",
    "VigilOutcome": "Keyword",
    "VigilAttention": "KeywordList",
    "VigilDeadline": "Datetime",
    "VigilApplicant": "Keyword",
    "VigilVerification": "Keyword",
}
VERIFICATION_ATTRIBUTE: Final = "VigilVerification"
"""The path of the verification, for runs whose id does not begin with it: messages, and what a backend started."""
