"""Notifications: verify the signature, read the content, and act on the newest one only."""

import base64
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final, Literal

from pydantic import AwareDatetime, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from vigil_client.errors import NotificationRefused
from vigil_client.models import Key, Model, Open
from vigil_client.words import Decision, Outcome, Stage

REVISED: Final = "verification.revised"
COMPLETED: Final = "verification.completed"
TEST: Final = "verification.test"
_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_LONGEST: Final = 64


class Notified(Model):
    """The verdict in short. Read the verification for more."""

    account: str
    reference: str
    applicant: str | None = None
    revision: int
    sequence: int
    stage: Open[Stage]
    decision: Open[Decision] | None
    outcome: Open[Outcome] | None


class Notification(Model):
    """A notification whose signature was verified: `verification.revised`, `.completed` or `.test`.

    `version` counts incompatible changes of the body.
    """

    type: str
    version: Literal[1]
    timestamp: AwareDatetime
    data: Notified

    @property
    def key(self) -> Key:
        """The key of the verification. For some providers its reference is a digest; every request accepts that."""
        return Key(self.data.account, self.data.reference)


def unwrap(body: bytes | str, headers: Mapping[str, str], secrets: Sequence[str]) -> Notification:
    """Return a notification after its signature is verified.

    Args:
        body: the body as it arrived, before any parsing.
        headers: the headers of the request.
        secrets: the secret of the endpoint, `whsec_...`; during a rotation the old and the new one.

    Raises:
        NotificationRefused: no secret fits the signature, it is older than five minutes, or the body is unknown.
        ValueError: a secret has the wrong form.

    """
    lowered = {name.lower(): value for name, value in headers.items()}
    webhooks = [_webhook_of(secret) for secret in secrets]
    if not any(_is_signed(body, lowered, webhook) for webhook in webhooks):
        raise NotificationRefused("the signature does not fit, or is older than five minutes")
    try:
        return Notification.model_validate_json(body)
    except ValidationError:
        raise NotificationRefused("the body is not a notification that this client knows: update it") from None


def _webhook_of(secret: str) -> Webhook:
    try:
        size = len(base64.b64decode(secret.removeprefix(_PREFIX), validate=True))
    except ValueError:
        size = 0
    if not secret.startswith(_PREFIX) or not _SHORTEST <= size <= _LONGEST:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return Webhook(secret)


def _is_signed(body: bytes | str, headers: dict[str, str], webhook: Webhook) -> bool:
    try:
        webhook.verify(body, headers)
    except (WebhookVerificationError, ValueError):  # a header or a body without the form that the library expects
        return False
    return True


class Newest:
    """Lets through what is newer than everything before it, by verification: notifications may repeat and overtake.

    Keep `sequences` where it outlives the process, such as a column beside the order.
    """

    def __init__(self, sequences: MutableMapping[Key, int] | None = None) -> None:
        self.sequences = {} if sequences is None else sequences

    def is_new(self, notification: Notification) -> bool:
        """Return whether the notification is the newest of its verification so far, and remember it.

        A test notification, which `vigil check` sends, is not.
        """
        if notification.type == TEST:
            return False
        key, sequence = notification.key, notification.data.sequence
        if sequence <= self.sequences.get(key, -1):
            return False
        self.sequences[key] = sequence
        return True
