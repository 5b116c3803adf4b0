"""Messages that a provider asks us to send to the applicant: which, until when, and their results."""

from datetime import timedelta
from enum import StrEnum
from typing import Final, Self

from vigil.domain.models import MessageModel, StoredModel
from vigil.domain.terms import Instant, KeyedDigest, StorageName, Word
from vigil.domain.verification_key import VerificationKey

SEND_WITHIN: Final = timedelta(seconds=120)
"""How long after the request a message may be sent: a late code is worse than none."""


class Channel(StrEnum):
    """How a message reaches the applicant."""

    SMS = "sms"
    EMAIL = "email"


class MessageKind(StrEnum):
    """What a provider may ask us to send."""

    ONE_TIME_PASSWORD = "one_time_password"  # noqa: S105 -- the name of a kind of message, not a password
    EMAIL_ONE_TIME_PASSWORD = "email_one_time_password"  # noqa: S105 -- as above
    SESSION_LINK_BY_SMS = "session_link_by_sms"
    SESSION_LINK_BY_EMAIL = "session_link_by_email"

    @property
    def channel(self) -> Channel:
        """How such a message travels."""
        by_email = {MessageKind.EMAIL_ONE_TIME_PASSWORD, MessageKind.SESSION_LINK_BY_EMAIL}
        return Channel.EMAIL if self in by_email else Channel.SMS


class MessageResult(StrEnum):
    """The result of a message."""

    SENT = "sent"
    """A message sender has accepted it."""
    REFUSED = "refused"
    """Nothing was sent, and we know why."""
    UNKNOWN = "unknown"
    """It may have been sent: the answer was lost."""
    TOO_LATE = "too_late"
    """Nothing was sent before `send_before`, and nothing will be."""


ADDRESS_UNKNOWN: Final = "address_unknown"
"""Why a message was refused: its receiver is in a field that no document describes."""
CHANNEL_NOT_CONFIGURED: Final = "channel_not_configured"


class MessageRequest(StoredModel):
    """Which message is to be sent, and until when. Text and address are in the receipt alone.

    Two orders of one `digest` ask for the same message.
    """

    key: VerificationKey
    path: str
    kind: MessageKind
    digest: KeyedDigest
    received_at: Instant
    send_before: Instant

    def with_key(self, key: VerificationKey) -> Self:
        """Return the request for the same verification, with its key in another form."""
        return self._with(key=key)

    @property
    def workflow_id(self) -> str:
        """The id of the workflow that sends it: the same for each delivery of one message."""
        return f"message/{self.key.account}/{self.digest}"


class MessageReceived(MessageModel):
    """Signal `message_received`: the request, and the receipt of its callback."""

    order: MessageRequest
    receipt: StorageName

    def with_key(self, key: VerificationKey) -> Self:
        """Return the signal for the same verification, with its key in another form."""
        return self._with(order=self.order.with_key(key))


class MessageOutcome(MessageModel):
    """Signal `message_reported`: the result of a message, for its verification. `why` is a coded word."""

    kind: MessageKind
    result: MessageResult
    at: Instant
    why: Word | None = None
