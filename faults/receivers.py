"""The receivers of a campaign in a process of their own: an SMS gateway, a mail server and a backend's hook.

Each line of their journals is written before the answer, so that a kill hides nothing that was received.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Final, cast
from uuid import uuid4

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from faults.ledger import Journal

MESSAGES: Final = "messages.jsonl"
NOTIFICATIONS: Final = "notifications.jsonl"


class Receivers:
    """Take what Vigil sends, and write it down."""

    def __init__(self, folder: Path) -> None:
        self._messages = Journal(folder / MESSAGES)
        self._notifications = Journal(folder / NOTIFICATIONS)

    def app(self, mail_port: int) -> Starlette:
        """Return the application; its lifespan has the mail server too."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: SMTP(self, hostname="campaign"), "127.0.0.1", mail_port)
            yield
            server.close()

        routes = [
            Route("/gateway", self._message, methods=["POST"]),
            Route("/hook", self._notification, methods=["POST"]),
            Route("/health", _health),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    async def _message(self, request: Request) -> Response:
        # The gateway promises that one key causes one message: what counts are the keys.
        body = await request.json()
        self._messages.write({"to": body["to"], "id": request.headers.get("Idempotency-Key")})
        return Response(status_code=202)

    async def handle_DATA(  # noqa: N802 -- the name that the SMTP library calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        mail = BytesParser(policy=default).parsebytes(cast("bytes", envelope.content))
        for to in envelope.rcpt_tos:
            # A mail has no key: each is a message of its own.
            self._messages.write({"to": to, "id": f"{mail['Message-ID']} {uuid4()}"})
        return "250 OK"

    async def _notification(self, request: Request) -> Response:
        content = json.loads(await request.body())
        data = content.get("data", {})
        kept = {name: data.get(name) for name in ("account", "reference", "revision", "decision", "outcome")}
        self._notifications.write({"type": content.get("type"), **kept})
        return Response(status_code=204)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mail-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    app = Receivers(given.folder).app(given.mail_port)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
