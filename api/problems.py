"""Problems as RFC 9457 tells them: the only translator of errors into HTTP's terms."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.service import RPCError

from observability import where
from storage.contract import StorageUnavailable
from tracking import CommandRefused, ConflictingRegistration, NoWorkerInTime, UnknownAccount

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger("vigil.api")


class FieldProblem(BaseModel):
    """One field of a request that does not fit. What was sent is not repeated: it may be personal."""

    field: str = Field(examples=["body.deadline_at"])
    detail: str = Field(examples=["Input should have timezone info"])


class ProblemView(BaseModel):
    """RFC 9457. `type` is stable and is what a program should look at."""

    type: str = Field(examples=["urn:vigil:conflicting_registration"])
    title: str
    status: int
    detail: str | None = None
    fields: list[FieldProblem] | None = None


class Problem(Exception):
    """Something to be told to the caller. `code` is stable; `detail` holds no value that was sent."""

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
            type=f"urn:vigil:{code}", title=title, status=status, detail=detail, fields=list(fields) or None
        )
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(
            self.view.model_dump(exclude_none=True), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


_MEANINGS: Final = {
    401: "No key, or not one of a backend",
    403: "Without keys, only this machine may ask",
    404: "Neither Temporal nor storage knows it",
    409: "It does not fit where things stand; `type` and `fields` say why",
    422: "The request does not fit; `fields` names where",
    502: "The provider refuses us; an operator must act",
    503: "Not now; `Retry-After` says when to repeat the same request",
}


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a path may answer, beside those that all may."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}}
    return {
        status: {"description": _MEANINGS[status], "content": content}
        for status in sorted({401, 403, 422, 503, *statuses})
    }


def unavailable(code: str, title: str, *, retry_after: int = 5, detail: str | None = None) -> Problem:
    """Return a 503 that says when to come again, in seconds."""
    return Problem(503, code, title, detail=detail, headers={"Retry-After": str(retry_after)})


def temporal_unavailable() -> Problem:
    """Return the problem that Temporal gave no usable answer."""
    return unavailable("temporal_unavailable", "Temporal gives no usable answer now; repeat the request")


def unknown_verification() -> Problem:
    """Return the problem that neither Temporal nor storage knows the verification."""
    return Problem(404, "unknown_verification", "No such verification is known, open or finished")


_NO_WORKER: Final = "Whether the command is carried out is unknown; repeat it with the same Idempotency-Key"


def problem_of(error: Exception) -> Problem | None:  # noqa: PLR0911 -- one line for each kind of error
    """Return the problem that an error of ours, or of what we stand on, is to a caller; None: it is a fault of ours."""
    match error:
        case Problem():
            return error
        case UnknownAccount():
            return Problem(404, "unknown_account", "No account of that name is configured")
        case ConflictingRegistration():
            fields = [FieldProblem(field=name, detail="differs from the registered value") for name in error.fields]
            return Problem(409, "conflicting_registration", "It is registered with other values", fields=fields)
        case CommandRefused():
            return Problem(409, "command_refused", "The command does not fit where it stands", detail=str(error))
        case NoWorkerInTime():
            return unavailable("no_worker_in_time", "No worker answered in time", detail=_NO_WORKER)
        case StorageUnavailable():
            return unavailable("storage_unavailable", "Storage gives no usable answer now; repeat the request")
        case RPCError() | TimeoutError() | ConnectionError():
            return temporal_unavailable()
        case RuntimeError() if "client connect" in str(error):  # what a lazy client raises while the server is away
            return temporal_unavailable()
        case _:
            return None


def add_problems(app: FastAPI) -> None:
    """Let every error of an app be answered as a problem, the framework's own included."""
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(Backstop)


async def _answer_validation(_request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fields = [FieldProblem(field=_spelled(fault["loc"]), detail=fault["msg"]) for fault in faults]
    return Problem(422, "invalid_request", "The request does not fit", fields=fields).response()


def _spelled(loc: Sequence[Any]) -> str:
    return ".".join(str(part) for part in loc)


async def _answer_http(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    codes = {404: ("no_such_path", "There is no such path"), 405: ("no_such_method", "The path has no such method")}
    code, title = codes.get(status, ("http_error", "The request cannot be answered"))
    headers = error.headers if isinstance(error, HTTPException) else None
    return Problem(status, code, title, headers=headers).response()


class Backstop:
    """ASGI middleware that turns what was raised into a problem, and logs where it came from, never what it says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                _log.error("request.failed", error=type(error).__name__, code=where(error))
                problem = Problem(500, "internal_error", "Something of ours failed; the log says where")
            if started:
                raise
            await problem.response()(scope, receive, send)
