"""A mail server that forwards nothing: it accepts and records every message, and shows them to a tester."""

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

from vigil.domain.models import StrictModel
from vigil.domain.terms import Instant

MOST_RECORDED: Final = 1000


class ReceivedMail(StrictModel):
    """One received message; `to` are the recipients of the envelope, not those of the headers."""

    at: Instant
    sender: str | None
    to: tuple[str, ...]
    subject: str | None
    text: str


class MailServer:
    """Receives messages by SMTP without encryption or login, and has control routes by which a tester reads them."""

    def __init__(self) -> None:
        self._received: list[ReceivedMail] = []
        self._port: int | None = None

    def control_routes(self) -> list[Route]:
        """Return the control routes: view the messages, delete them."""
        return [Route("/mail", self._view), Route("/mail", self._delete, methods=["DELETE"])]

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Receive messages while the block runs; port 0 chooses a free one. Raises `OSError`: the port is in use."""
        loop = asyncio.get_running_loop()
        # With a name of its own, or the library would resolve the machine's.
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
        """Record a complete message."""
        mail: EmailMessage = BytesParser(policy=default).parsebytes(cast("bytes", envelope.content))
        body = mail.get_body(("plain",))
        received = ReceivedMail(
            at=datetime.now(UTC),
            sender=envelope.mail_from,
            to=tuple(envelope.rcpt_tos),
            subject=mail["Subject"],
            text=body.get_content() if body else "",
        )
        self._received = [*self._received, received][-MOST_RECORDED:]
        return "250 OK"

    async def _view(self, _: Request) -> Response:
        return JSONResponse({"port": self._port, "received": [each.model_dump(mode="json") for each in self._received]})

    async def _delete(self, _: Request) -> Response:
        self._received = []
        return Response(status_code=204)
