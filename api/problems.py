"""Problems of RFC 9457. This module alone translates errors to HTTP."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.service import RPCError

from api.allowed_methods import allowed_methods
from api.problem_types import link_to
from api.request_faults import UNREADABLE_BODY, FieldProblem, list_faults
from api.request_ids import current_request_id
from vigil.domain.errors import ProviderError, ProviderRefusesUs
from vigil.domain.models import StrictModel
from vigil.errors import (
    CallbackNotQuarantined,
    CallbackNotUsable,
    CommandRefused,
    ConflictingRegistration,
    CoordinatesUnknown,
    CorrelationTaken,
    DataErased,
    DataOnHold,
    IdempotencyKeyReused,
    InvalidPageToken,
    InvalidRegistration,
    NotErased,
    NotHeld,
    NoWorkerInTime,
    RecordLoading,
    RecordNotStored,
    RecordUnavailable,
    RecordUnreadable,
    ReferenceNotFoundYet,
    RegistrationRefused,
    ResultNotStored,
    UnknownAccount,
    UnknownVerification,
)
from vigil.observability import where
from vigil.sealing.errors import SealingError
from vigil.storage.contract import StorageUnavailable

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger("vigil.api")


class ProblemView(StrictModel):
    """A problem of RFC 9457. `type` is stable: programs should look at it alone. People follow `help`."""

    type: str = Field(examples=["urn:vigil:conflicting_registration"])
    title: str
    status: int
    detail: str | None = None
    fields: list[FieldProblem] | None = None
    help: str = Field(examples=["/docs/problems#conflicting_registration"])
    request_id: str | None = Field(None, description="the log has it too", examples=["5f1c2a9b0d3e4f67"])


class Problem(Exception):
    """An error that is answered as a problem. `code` is stable; `detail` holds no value that was sent."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        *,
        detail: str | None = None,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.view = ProblemView(
            type=f"urn:vigil:{code}",
            title=title,
            status=status,
            detail=detail,
            fields=list(fields) or None,
            help=link_to(code),
        )
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the HTTP response."""
        view = {**self.view.model_dump(), "request_id": current_request_id()}
        body = {name: value for name, value in view.items() if value is not None}
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


_MEANINGS: Final = {
    401: "The key is missing or belongs to no backend",
    403: "The key may not do this or use this account; or there are no keys, and only this machine may call",
    404: "Neither Temporal nor the storage knows the verification",
    409: "The request does not fit the present state; `type` and `fields` say why",
    410: "The data of the verification was erased; its verdict is left",
    413: "The body is larger than 64 KiB",
    415: "The request has neither the media type `application/json` nor an `Idempotency-Key`",
    422: "The request does not fit; `fields` names the fields at fault",
    429: "Too many requests without a valid key",
    502: "The provider refuses our credentials; an operator must act",
    503: "Not possible now; `Retry-After` says in how many seconds to repeat the same request",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses for the problems of one path, and for those that every path may return."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}}
    return {
        status: {"description": _MEANINGS[status], "content": content}
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }


REPEAT_AFTER: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)

_PROBLEMS: Final[Mapping[type[Exception], tuple[int, str, str]]] = {
    UnknownAccount: (404, "unknown_account", "The settings have no account of that name"),
    UnknownVerification: (404, "unknown_verification", "Neither Temporal nor the storage knows the verification"),
    CoordinatesUnknown: (404, "unknown_to_provider", "The provider does not know the coordinates"),
    ReferenceNotFoundYet: (409, "process_not_yet_known", "The provider has nothing yet for the coordinates; repeat it"),
    ConflictingRegistration: (409, "conflicting_registration", "It is registered with other values"),
    CorrelationTaken: (409, "correlation_taken", "The correlation belongs to another verification"),
    DataErased: (410, "data_erased", "The data of the verification was erased; its verdict is left"),
    NotErased: (404, "not_erased", "The data of the verification was not erased"),
    NotHeld: (404, "not_held", "There is no hold on the data of the verification"),
    DataOnHold: (409, "data_on_hold", "The data of the verification must be kept"),
    CommandRefused: (409, "command_refused", "The command does not fit the state of the verification"),
    IdempotencyKeyReused: (422, "idempotency_key_reused", "Another command had this key; this one was not carried out"),
    InvalidRegistration: (422, "invalid_request", "The request does not fit"),
    CallbackNotQuarantined: (404, "unknown_receipt", "No quarantined callback has that name"),
    CallbackNotUsable: (409, "not_usable", "The callback cannot be given to that verification"),
    InvalidPageToken: (422, "invalid_page", "`page` is not a `next_page` of an earlier page"),
    ProviderRefusesUs: (502, "provider_refuses_us", "The provider refuses our credentials"),
    ProviderError: (503, "provider_unavailable", "The provider gives no usable answer now; repeat the request"),
    NoWorkerInTime: (503, "no_worker_in_time", "No worker answered in time"),
    RecordUnavailable: (503, "no_worker_in_time", "It is open, and no worker answered in time"),
    RecordLoading: (503, "loading", "It is open, and its record is being loaded"),
    RecordNotStored: (409, "interrupted", "Its workflow was ended in Temporal before it stored a record"),
    ResultNotStored: (409, "no_result", "The provider has not given a result yet, or it was erased"),
    RecordUnreadable: (503, "record_not_readable", "A later release wrote its record; repeat the request"),
    StorageUnavailable: (503, "storage_unavailable", "The storage gives no usable answer now; repeat the request"),
    SealingError: (500, "not_readable", "A key is missing, or a stored content was changed; the operator must look"),
    RPCError: (503, "temporal_unavailable", "Temporal gives no usable answer now; repeat the request"),
}


def problem_of(error: Exception) -> Problem | None:
    """Return the problem for an error that a caller can act on; None: the error is a fault of this program."""
    if isinstance(error, Problem):
        return error
    kinds: Sequence[type] = type(error).__mro__
    if _is_without_connection(error):
        kinds = (RPCError,)
    row = next((_PROBLEMS[kind] for kind in kinds if kind in _PROBLEMS), None)
    if row is None:
        return None
    status, code, title = row
    after = _retry_after(error) or (REPEAT_AFTER if status == HTTPStatus.SERVICE_UNAVAILABLE else None)
    headers = {"Retry-After": str(int(after.total_seconds()))} if after else None
    return Problem(status, code, title, detail=_detail_of(error), fields=_fields_of(error), headers=headers)


def _is_without_connection(error: Exception) -> bool:
    """Whether Temporal cannot be reached; a lazy client then raises a `RuntimeError`."""
    is_lazy_client = isinstance(error, RuntimeError) and "client connect" in str(error)
    return is_lazy_client or isinstance(error, TimeoutError | ConnectionError)


def _retry_after(error: Exception) -> timedelta | None:
    match error:
        case RecordLoading():
            return timedelta(seconds=1)
        case ReferenceNotFoundYet() | ProviderError() if error.retry_after:
            return max(timedelta(seconds=1), min(error.retry_after, LONGEST_RETRY))
        case _:
            return None


def _detail_of(error: Exception) -> str | None:
    match error:
        case CommandRefused() | DataOnHold():
            return str(error)
        case NoWorkerInTime():
            return "The command may or may not be carried out; repeat it with the same Idempotency-Key"
        case ProviderRefusesUs():
            return f"It answered {error.code}; `vigil check` tries the credentials of every account"
        case ProviderError():
            return error.code
        case _:
            return None


def _fields_of(error: Exception) -> list[FieldProblem]:
    faults = error.faults if isinstance(error, RegistrationRefused) else ()
    # A conflict is about registered values, not about a part of this request's body.
    prefix = "" if isinstance(error, ConflictingRegistration) else "body."
    return [FieldProblem(field=prefix + fault.field, detail=fault.detail) for fault in faults]


def add_problems(app: FastAPI) -> None:
    """Answer every error of an app as a problem, the framework's own errors included."""
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(Backstop)


async def _answer_validation(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fields = list_faults(faults, request.app.openapi())
    return Problem(422, "invalid_request", "The request does not fit", fields=fields).response()


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.BAD_REQUEST:  # the framework's answer to a body that is no text
        return Problem(422, "invalid_request", "The request does not fit", fields=[UNREADABLE_BODY]).response()
    codes = {404: ("no_such_path", "There is no such path"), 405: ("no_such_method", "The path has no such method")}
    code, title = codes.get(status, ("cannot_answer", "The request cannot be answered"))
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(allowed_methods(request.scope))}
    return Problem(status, code, title, headers=headers).response()


class Backstop:
    """ASGI middleware that answers any exception as a problem. It logs where it was raised, never its text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                _log.error("request.failed", error=type(error).__name__, code=where(error))
                problem = Problem(500, "internal_error", "This program failed; its log says where")
            if isinstance(error, SealingError):
                _log.error("content.not_readable", reason=str(error))
            if started:
                raise
            await problem.response()(scope, receive, send)
