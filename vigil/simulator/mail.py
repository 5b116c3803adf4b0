"""A mail server that passes nothing on: it takes every message, remembers it, and shows it to a tester."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Final, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.terms import Frozen, Instant

MOST_REMEMBERED: Final = 1000


class TakenMail(Frozen):
    """One message as it came; `to` are those whom it was sent to, whatever its own lines say."""

    at: Instant
    sender: str | None
    to: tuple[str, ...]
    subject: str | None
    text: str


class MailServer:
    """Takes messages by SMTP, without encryption or log-in, and has control routes by which a tester reads them."""

    def __init__(self) -> None:
        self._taken: list[TakenMail] = []
        self._port: int | None = None

    def control_routes(self) -> list[Route]:
        """Return the control routes: look, forget all."""
        return [Route("/mail", self._view), Route("/mail", self._forget, methods=["DELETE"])]

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Take messages for as long as a block lasts; port 0 takes a free one. Raises `OSError`: the port is taken."""
        loop = asyncio.get_running_loop()
        # Named, since the machine's own name would be asked of a resolver.
        server = await loop.create_server(lambda: SMTP(self, hostname="simulator", loop=loop), host, port)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            self._port = None
            server.close()

    async def handle_DATA(  # noqa: N802 -- the name that the SMTP library calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a message that has come whole."""
        mail: EmailMessage = BytesParser(policy=default).parsebytes(cast("bytes", envelope.content))
        body = mail.get_body(("plain",))
        taken = TakenMail(
            at=datetime.now(UTC),
            sender=envelope.mail_from,
            to=tuple(envelope.rcpt_tos),
            subject=mail["Subject"],
            text=body.get_content() if body else "",
        )
        self._taken = [*self._taken, taken][-MOST_REMEMBERED:]
        return "250 OK"

    async def _view(self, _: Request) -> Response:
        return JSONResponse({"port": self._port, "taken": [each.model_dump(mode="json") for each in self._taken]})

    async def _forget(self, _: Request) -> Response:
        self._taken = []
        return Response(status_code=204)
