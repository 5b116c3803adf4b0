"""The check of one endpoint of a backend: a signed test notification, which says nothing of a verification."""

import json
import secrets
from datetime import UTC, datetime
from typing import Final

import httpx

from vigil.config.api_settings import EndpointSettings
from vigil.errors import VigilError
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, post, resolve_host
from vigil.webhook_signature import signed_headers

TEST_TYPE: Final = "verification.test"
_NOTHING: Final = {
    "account": "test",
    "reference": "test",
    "applicant": None,
    "revision": 0,
    "sequence": 0,
    "stage": "awaiting_applicant",
    "decision": None,
    "outcome": None,
}


class EndpointFailed(VigilError):
    """An endpoint did not accept the test notification; the text says what to do."""


async def send_test_notification(
    http: httpx.AsyncClient, name: str, endpoint: EndpointSettings, *, resolve: Resolve = resolve_host
) -> str:
    """Send a test notification and return a sentence about its answer. Raises `EndpointFailed`."""
    setting, message_id = f"endpoints.{name}", f"test/{secrets.token_hex(8)}"
    content = {"type": TEST_TYPE, "version": 1, "timestamp": datetime.now(UTC).isoformat(), "data": _NOTHING}
    body = json.dumps(content, separators=(",", ":"))
    headers = signed_headers([secret.get_secret_value() for secret in endpoint.secret], message_id, body)
    try:
        status = await post(http, endpoint.url, body, headers, allow_private=endpoint.allow_private, resolve=resolve)
    except PrivateAddress:
        raise EndpointFailed(f"leads into a private network: set {setting}.allow_private, or another url") from None
    except NotResolved:
        raise EndpointFailed(f"its host has no address: correct {setting}.url") from None
    except (httpx.HTTPError, OSError) as error:
        raise EndpointFailed(f"no answer ({type(error).__name__}): check {setting}.url and the network") from None
    if not httpx.codes.is_success(status):
        raise EndpointFailed(
            f"answered {status} to a signed {TEST_TYPE}: compare {setting}.secret with the receiver's, "
            "and let the receiver answer 2xx to each type that it does not know"
        )
    return f"answered {status} to a signed test notification"
