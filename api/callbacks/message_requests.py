"""Callbacks that ask us to send a message to the applicant: the receipt is stored, and a workflow sends the message."""

import structlog
from pydantic import ValidationError

from api.callbacks.dependencies import CallbackServices
from vigil.callback_mapping import build_receipt
from vigil.config.accounts import OpenAccount
from vigil.domain.digest import Digester
from vigil.domain.message import MessageReceived, MessageRequest
from vigil.domain.verification_key import VerificationKey
from vigil.observability import where
from vigil.providers.contract import DelegatedMessage, GenuineRequest

_log = structlog.get_logger("vigil.callbacks")


class MessageRequests:
    """Reads and accepts the requests for messages."""

    def __init__(self, services: CallbackServices) -> None:
        self._services = services

    def read(self, account: OpenAccount, genuine: GenuineRequest) -> MessageRequest | None:
        """Return the request for a message; None if the callback asks for none, or has not proven that it may ask."""
        reader = account.provider.message_reader
        if reader is None or not genuine.proof.may_ask_for_messages:
            return None
        try:
            message = reader.read_message(genuine.kept_body)
            return self._build(account, genuine, message) if message else None
        except ValidationError:  # the message names no verification that can exist
            return None
        except Exception as error:  # noqa: BLE001 -- the callback is proven: a fault of ours must not lose it
            _log.error("callback.unread", account=account.name, error=type(error).__name__, code=where(error))
            return None

    async def accept(self, account: OpenAccount, genuine: GenuineRequest, request: MessageRequest) -> str | None:
        """Store the receipt and start the workflow that sends the message. Return the receipt's name.

        None: the storage did not take the receipt. Then nothing is sent, since the message is in the receipt alone.
        """
        receipt = build_receipt(account, genuine, message=request)
        stored = await self._services.archive.store(receipt, insist=True, needs_body=True)
        if stored.name is not None:
            await self._services.dispatcher.start_message(MessageReceived(order=request, receipt=stored.name))
        return stored.name

    def _build(self, account: OpenAccount, genuine: GenuineRequest, message: DelegatedMessage) -> MessageRequest:
        key = account.key_of(message.reference)
        received_at = genuine.request.received_at
        return MessageRequest(
            key=key,
            path=self._services.dispatcher.path(key),
            kind=message.kind,
            digest=_digest(message, key, self._services.digester),
            received_at=received_at,
            send_before=received_at + account.message_send_within,
        )


def _digest(message: DelegatedMessage, key: VerificationKey, digester: Digester) -> str:
    """Return a digest that is equal for equal messages to one receiver of one verification."""
    parts = (key.account, key.reference, message.kind, message.address or "", message.subject or "", message.content)
    return digester.digest("message", "\0".join(parts))
