"""A real mail server on this machine, which refuses, stalls or hangs up by a script."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOGIN = ("vigil", "agreed upon")


@dataclass
class Mailbox:
    """What the server took. `at_mail`, `at_rcpt` and `at_data` are the answers that it gives next to these commands.

    At the data `hang up` closes the connection with the message taken, and `stall` keeps it without an answer.
    """

    at_mail: deque[str] = field(default_factory=deque)
    at_rcpt: deque[str] = field(default_factory=deque)
    at_data: deque[str] = field(default_factory=deque)
    taken: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    logged_in: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_MAIL(  # noqa: N802 -- the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.at_mail.popleft() if self.at_mail else "250 OK"

    async def handle_RCPT(  # noqa: N802 -- the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.at_rcpt.popleft() if self.at_rcpt else "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- as above
        answer = self.at_data.popleft() if self.at_data else "250 OK"
        if answer[0] in "45":
            return answer
        content = cast("bytes", envelope.content)
        self.taken.append(BytesParser(policy=default).parsebytes(content))
        self.receivers.append(envelope.rcpt_tos)
        self.was_encrypted.append(session.ssl is not None)
        self.logged_in.append(bool(session.authenticated))
        if answer == "hang up":
            cast("asyncio.Transport", server.transport).abort()
        if answer == "stall":
            await asyncio.sleep(5)
        return "250 OK"

    @asynccontextmanager
    async def listening(
        self, tls: ssl.SSLContext | None = None, *, from_the_start: bool = False
    ) -> AsyncIterator[None]:
        """Listen on a free port: with `tls` after STARTTLS, or `from_the_start`, and then only for who logs in."""

        def protocol() -> SMTP:
            starts = tls if tls and not from_the_start else None
            return SMTP(
                self,
                hostname="mail.test",
                tls_context=starts,
                require_starttls=starts is not None,
                auth_required=tls is not None,
                auth_require_tls=starts is not None,
                authenticator=self._log_in,
            )

        loop = asyncio.get_running_loop()
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if from_the_start else None)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def _log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        presented = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=presented == LOGIN, handled=False)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a fresh certificate for 127.0.0.1, and the file by which it is trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "mail.pem", folder / "mail.key"
    trusted.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted
