"""An SMS gateway that sends nothing: it records its requests, and fails when a tester orders it."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field, JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import StrictModel
from vigil.domain.terms import Instant

ACCEPTED: Final = 202
ID_HEADER: Final = "Idempotency-Key"
MOST_RECORDED: Final = 1000


class Trouble(StrictModel):
    """How the gateway treats the next `times` requests.

    It answers `answer` and sends nothing; or it is `silent`: it sends the message and does not answer.
    """

    answer: Annotated[int, Field(ge=300, le=599)] = 500
    silent: bool = False
    times: Annotated[int, Field(ge=0, le=1000)] = 1


class GatewayRequest(StrictModel):
    """One request. `answered` is None if it received no answer; `sent`: it caused a message."""

    at: Instant
    message_id: str | None
    body: JsonValue
    answered: int | None
    sent: bool


class Gateway:
    """The route for messages, and the control routes by which a tester reads them and orders trouble."""

    def __init__(self) -> None:
        self._requests: list[GatewayRequest] = []
        self._trouble = Trouble(times=0)

    def routes(self) -> list[Route]:
        """Return the route for messages, without prefix."""
        return [Route("/messages", self._receive, methods=["POST"])]

    def control_routes(self) -> list[Route]:
        """Return the control routes: view the requests, order trouble, delete both."""
        return [
            Route("/gateway", self._view),
            Route("/gateway", self._order_trouble, methods=["POST"]),
            Route("/gateway", self._delete, methods=["DELETE"]),
        ]

    async def _receive(self, request: Request) -> Response:
        body, message_id = await request.json(), request.headers.get(ID_HEADER)
        trouble = self._trouble
        if trouble.times:
            self._trouble = trouble.model_copy(update={"times": trouble.times - 1})
            if not trouble.silent:
                self._record(message_id, body, answered=trouble.answer, sent=False)
                return Response(status_code=trouble.answer)
        is_silent = bool(trouble.times)
        is_new = message_id is None or not any(
            known.sent and known.message_id == message_id for known in self._requests
        )
        self._record(message_id, body, answered=None if is_silent else ACCEPTED, sent=is_new)
        if is_silent:
            await request.receive()  # returns when the caller hangs up
        return Response(status_code=ACCEPTED)

    def _record(self, message_id: str | None, body: JsonValue, *, answered: int | None, sent: bool) -> None:
        received = GatewayRequest(at=datetime.now(UTC), message_id=message_id, body=body, answered=answered, sent=sent)
        self._requests = [*self._requests, received][-MOST_RECORDED:]

    async def _view(self, _: Request) -> Response:
        requests = [each.model_dump(mode="json") for each in self._requests]
        return JSONResponse({"requests": requests, "sent": [each["body"] for each in requests if each["sent"]]})

    async def _order_trouble(self, request: Request) -> Response:
        self._trouble = Trouble.model_validate_json(await request.body())
        return Response(status_code=204)

    async def _delete(self, _: Request) -> Response:
        self._requests, self._trouble = [], Trouble(times=0)
        return Response(status_code=204)
