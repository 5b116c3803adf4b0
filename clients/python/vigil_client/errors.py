"""Errors, by the `type` of the API's problems (RFC 9457)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import httpx

from vigil_client.models import Verification

# VigilError
# ├── Unreachable               there was no answer; whether a command was carried out is not known
# ├── NotYet                    `wait` has waited as long as it may
# ├── DigestMismatch            a downloaded file differs from the stored one
# ├── NotificationRefused       a request is not a notification that Vigil signed
# └── Problem                   the API answered with a problem
#     ├── NotAllowed            401, 403: the key, or what it may do
#     ├── NotFound              404
#     ├── DataErased            410: only the verdict is left
#     ├── FileExpired           410: the file was kept long enough
#     ├── Conflict              409: the request does not fit the present state
#     ├── InvalidRequest        422 and other 4xx: the request itself is at fault
#     └── Unavailable           429, 5xx: the same request may succeed later


class VigilError(Exception):
    """The base of every error of this client."""


class Unreachable(VigilError):
    """There was no answer, or half of one. A command may be repeated with its idempotency key."""

    def __init__(self, cause: str, *, idempotency_key: str | None) -> None:
        super().__init__(cause)
        self.idempotency_key = idempotency_key


class NotYet(VigilError, TimeoutError):
    """The verification has not come that far; `verification` is its last known state."""

    def __init__(self, until: str, verification: Verification) -> None:
        super().__init__(f"no {until} yet: {verification.account} is {verification.stage or 'not processed yet'}")
        self.verification = verification


class DigestMismatch(VigilError):
    """A file did not arrive as the server stored it. Nothing was kept of it."""


class NotificationRefused(VigilError):
    """The request is not a notification that Vigil signed with our secret, or it is older than five minutes."""


@dataclass(frozen=True)
class FieldFault:
    """A field of the request that does not fit."""

    field: str
    detail: str


class Problem(VigilError):
    """The API answered with a problem. `code` is stable; `retry_after` is in seconds.

    `request_id` finds the request in Vigil's log.
    `idempotency_key` is the key with which a command may be repeated.
    """

    def __init__(self, response: httpx.Response) -> None:
        body = _body_of(response)
        self.status = response.status_code
        self.code = code_of(str(body.get("type", "")))
        self.title = str(body.get("title") or f"HTTP {self.status}")
        self.detail: str | None = body.get("detail")
        self.fields = tuple(FieldFault(str(each["field"]), str(each["detail"])) for each in body.get("fields") or ())
        self.retry_after = _retry_after(response)
        self.request_id: str | None = body.get("request_id") or response.headers.get("request-id")
        self.idempotency_key = response.headers.get("idempotency-key")
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [f"{self.title} ({self.code or self.status})"]
        parts += [self.detail] if self.detail else []
        parts += [f"{fault.field}: {fault.detail}" for fault in self.fields]
        return "; ".join(parts)


class NotAllowed(Problem):
    """The key is missing, wrong, or may not do this."""


class NotFound(Problem):
    """There is no such verification, account or file."""


class UnknownVerification(NotFound):
    """Nobody registered the verification, and no callback started it."""


class UnknownAccount(NotFound):
    """The server's settings have no account of that name."""


class DataErased(Problem):
    """The data of the verification was erased, and nothing brings it back. Its verdict is left."""


class FileExpired(Problem):
    """The file was kept as long as the server's settings say, and nothing brings it back."""


class Conflict(Problem):
    """The request does not fit the present state."""


class ConflictingRegistration(Conflict):
    """It is registered with other values; `fields` names them."""


class CorrelationTaken(Conflict):
    """The correlation belongs to another verification."""


class ProcessNotYetKnown(Conflict):
    """The provider has nothing yet for the coordinates. Repeat the registration."""


class CommandRefused(Conflict):
    """The command does not fit the state of the verification; `detail` says why."""


class DataOnHold(Conflict):
    """The data must be kept; `detail` says by whose hold, and until when."""


class FileNotStored(Conflict):
    """The file is expected, available or lost; `code` says which."""


class NoResult(Conflict):
    """The provider has given no answer yet, so there are no claims."""


class InvalidRequest(Problem):
    """The request is at fault; `fields` names the fields."""


class IdempotencyKeyReused(InvalidRequest):
    """Another command had this idempotency key, and this one was not carried out."""


class Unavailable(Problem):
    """The API, Temporal, the storage or the provider gives no usable answer now. Repeating is safe."""


_BY_CODE: Final[Mapping[str, type[Problem]]] = {
    "unknown_verification": UnknownVerification,
    "unknown_account": UnknownAccount,
    "conflicting_registration": ConflictingRegistration,
    "correlation_taken": CorrelationTaken,
    "process_not_yet_known": ProcessNotYetKnown,
    "command_refused": CommandRefused,
    "data_erased": DataErased,
    "data_on_hold": DataOnHold,
    "file_expired": FileExpired,
    "no_result": NoResult,
    "idempotency_key_reused": IdempotencyKeyReused,
}
_BY_STATUS: Final[Mapping[int, type[Problem]]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
}
_FIRST_OF_SERVER: Final = 500


def problem_of(response: httpx.Response) -> Problem:
    """Return the error for an answer that is none of 2xx. The response must be read."""
    code = code_of(str(_body_of(response).get("type", "")))
    general = Unavailable if response.status_code >= _FIRST_OF_SERVER else InvalidRequest
    kind = _BY_CODE.get(code) or (
        FileNotStored if code.startswith("file_") and response.status_code == httpx.codes.CONFLICT else None
    )
    return (kind or _BY_STATUS.get(response.status_code, general))(response)


def code_of(problem_type: str) -> str:
    """Return the last part of a problem's type, whether that is a URN or a URL with a fragment."""
    return re.split(r"[:/#]", problem_type)[-1]


def _body_of(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:  # a proxy answered, not the API
        return {}
    return cast("Mapping[str, Any]", body) if isinstance(body, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None
