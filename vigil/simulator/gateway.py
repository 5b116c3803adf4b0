"""A gateway for messages that sends nothing: it remembers what it was handed, and fails when told to."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field, JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.terms import Frozen, Instant

ACCEPTED: Final = 202
ID_HEADER: Final = "Idempotency-Key"
MOST_REMEMBERED: Final = 1000


class Trouble(Frozen):
    """How the gateway meets the next `times` requests.

    It answers `answer` and sends nothing; or it is `silent`: it sends the message and never says so.
    """

    answer: Annotated[int, Field(ge=300, le=599)] = 500
    silent: bool = False
    times: Annotated[int, Field(ge=0, le=1000)] = 1


class HandedOver(Frozen):
    """One request. `answered` is None where it was left without an answer; `sent`: it led to a message."""

    at: Instant
    message_id: str | None
    body: JsonValue
    answered: int | None
    sent: bool


class Gateway:
    """The route that messages are posted to, and the control route by which a tester reads them and makes trouble."""

    def __init__(self) -> None:
        self._handed: list[HandedOver] = []
        self._trouble = Trouble(times=0)

    def routes(self) -> list[Route]:
        """Return the route for messages, without prefix."""
        return [Route("/messages", self._take, methods=["POST"])]

    def control_routes(self) -> list[Route]:
        """Return the control routes: look, make trouble, forget all."""
        return [
            Route("/gateway", self._view),
            Route("/gateway", self._make_trouble, methods=["POST"]),
            Route("/gateway", self._forget, methods=["DELETE"]),
        ]

    async def _take(self, request: Request) -> Response:
        body, message_id = await request.json(), request.headers.get(ID_HEADER)
        trouble = self._trouble
        if trouble.times:
            self._trouble = trouble.model_copy(update={"times": trouble.times - 1})
            if not trouble.silent:
                self._remember(message_id, body, answered=trouble.answer, sent=False)
                return Response(status_code=trouble.answer)
        is_silent = bool(trouble.times)
        is_new = message_id is None or not any(known.sent and known.message_id == message_id for known in self._handed)
        self._remember(message_id, body, answered=None if is_silent else ACCEPTED, sent=is_new)
        if is_silent:
            await request.receive()  # returns when the caller hangs up
        return Response(status_code=ACCEPTED)

    def _remember(self, message_id: str | None, body: JsonValue, *, answered: int | None, sent: bool) -> None:
        handed = HandedOver(at=datetime.now(UTC), message_id=message_id, body=body, answered=answered, sent=sent)
        self._handed = [*self._handed, handed][-MOST_REMEMBERED:]

    async def _view(self, _: Request) -> Response:
        handed = [each.model_dump(mode="json") for each in self._handed]
        return JSONResponse({"requests": handed, "sent": [each["body"] for each in handed if each["sent"]]})

    async def _make_trouble(self, request: Request) -> Response:
        self._trouble = Trouble.model_validate_json(await request.body())
        return Response(status_code=204)

    async def _forget(self, _: Request) -> Response:
        self._handed, self._trouble = [], Trouble(times=0)
        return Response(status_code=204)
