"""Sends messages through a mail server by SMTP."""

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, localtime
from typing import Final, Literal

import aiosmtplib

from vigil.messaging.contract import SENT, Outgoing, SendResult, refused, unknown

_FOR_GOOD: Final = 500
_LONGEST_ADDRESS: Final = 254
_LONGEST_SUBJECT: Final = 200
"""In characters, for both: an endless text from a stranger would keep the parsers busy for seconds."""


@dataclass(frozen=True)
class MailServer:
    """A mail server and its log-in. `subject` is used if the provider gave none."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    from_address: str
    from_name: str
    subject: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


class MailServerSender:
    """Sends messages through one mail server, each over a connection of its own."""

    is_idempotent = False
    """False: a mail server sends a repeated message again."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        # Reading the certificates takes longer than sending a message does.
        self._tls = None if server.security == "none" else ssl.create_default_context(cafile=server.ca_file)

    async def send(self, outgoing: Outgoing, *, within: timedelta) -> SendResult:
        """Send the message once. A refusal is `refused`; a connection lost after the data were sent is `unknown`."""
        try:
            envelope = _Envelope.of(self._server, outgoing)
        except (MessageError, ValueError, IndexError, AttributeError):  # the parsers of addresses raise all of these
            return refused("address_not_usable")
        client = self._client(within)
        is_on_its_way = False
        try:
            async with asyncio.timeout(within.total_seconds()):
                await client.connect()
                await client.mail(envelope.sender)
                await client.rcpt(envelope.receiver)
                is_on_its_way = True
                await client.data(envelope.content)
        except aiosmtplib.SMTPResponseException as error:
            return refused(f"smtp_{error.code}", may_heal=error.code < _FOR_GOOD)
        except (aiosmtplib.SMTPException, OSError) as error:  # `TimeoutError` is an OSError too
            return unknown("mail_server_cut_off") if is_on_its_way else _not_begun(error)
        finally:
            client.close()
        return SENT

    def _client(self, within: timedelta) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            # Given, since aiosmtplib would otherwise ask a resolver for the machine's own name.
            local_hostname=server.from_address.rpartition("@")[2],
            timeout=within.total_seconds(),
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._tls,
        )


@dataclass(frozen=True)
class _Envelope:
    sender: str
    receiver: str
    content: bytes

    @classmethod
    def of(cls, server: MailServer, outgoing: Outgoing) -> "_Envelope":
        """Raises `ValueError`, and other errors of the parsers, for an address that cannot be used."""
        if len(outgoing.to) > _LONGEST_ADDRESS:
            raise ValueError("too long for an address")
        receiver = Address(addr_spec=outgoing.to)
        if not receiver.domain or not outgoing.to.isascii():
            raise ValueError("not a plain address")
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = Address(server.from_name, addr_spec=server.from_address)
        mail["To"] = receiver
        mail["Subject"] = " ".join((outgoing.subject or server.subject).split())[:_LONGEST_SUBJECT]
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{outgoing.message_id}@{server.from_address.rpartition('@')[2]}>"
        # Automatic answers, such as holiday notes, would reach nobody.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(outgoing.text)
        return cls(server.from_address, receiver.addr_spec, mail.as_bytes())


def _not_begun(error: Exception) -> SendResult:
    if type(error) in {aiosmtplib.SMTPException, aiosmtplib.SMTPNotSupported}:
        return refused("mail_server_unsuitable")  # it has no STARTTLS, or no log-in that we support
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return refused("mail_server_not_trusted")
    return refused("mail_server_unreachable", may_heal=True)
