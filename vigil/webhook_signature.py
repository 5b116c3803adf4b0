"""The headers of Standard Webhooks, which sign what Vigil sends to an endpoint of a backend."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


def signed_headers(secrets: Sequence[str], message_id: str, body: str) -> dict[str, str]:
    """Return the headers that sign a body as of now, with each secret that is live during a rotation."""
    now = datetime.now(UTC)
    signatures = " ".join(Webhook(secret).sign(message_id, now, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
    }
