"""Opens the message senders that the settings name."""

from collections.abc import Mapping

import httpx

from vigil.domain.message import Channel
from vigil.messaging.contract import MessageSender
from vigil.messaging.gateway import Gateway, GatewaySender
from vigil.messaging.mail import MailServer, MailServerSender
from vigil.messaging.settings import MessageSettings


def open_senders(settings: MessageSettings, http: httpx.AsyncClient) -> Mapping[Channel, MessageSender]:
    """Return a message sender for each configured channel. Sends nothing; the caller closes the HTTP client.

    Raises `OSError` for a file of certificates that cannot be read.
    """
    message_senders: dict[Channel, MessageSender] = {}
    if settings.sms is not None:
        message_senders[Channel.SMS] = GatewaySender(
            Gateway(
                url=settings.sms.url,
                body=settings.sms.body,
                headers={name: value.get_secret_value() for name, value in settings.sms.headers.items()},
                accepted=settings.sms.accepted,
                id_header=settings.sms.id_header,
                is_idempotent=settings.sms.idempotent,
                allow_private=settings.sms.allow_private,
                prefixes=settings.sms.prefixes,
            ),
            http,
        )
    if settings.email is not None:
        given = settings.email
        message_senders[Channel.EMAIL] = MailServerSender(
            MailServer(
                host=given.host,
                port=given.port,
                security=given.security,
                from_address=given.from_address,
                from_name=given.from_name,
                subject=given.subject,
                username=given.username,
                password=given.password.get_secret_value() if given.password else None,
                ca_file=given.ca_file,
            )
        )
    return message_senders
