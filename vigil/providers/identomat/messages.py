"""Messages that Identomat asks us to send, where the account's own SMS or e-mail provider is selected."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vigil.domain.message import Channel, MessageKind
from vigil.providers.contract import DelegatedMessage
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.wire import KEY_FIELD, session_id
from vigil.providers.parsing import NotReadable, as_object, parse_json

_LINKS: Final = frozenset({MessageKind.SESSION_LINK_BY_SMS, MessageKind.SESSION_LINK_BY_EMAIL})
_NO_ADDRESSES: Final = frozenset({KEY_FIELD, "type", "sessionId", "sessionLink", "text", "subject"})
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


class IdentomatMessenger:
    """Understands by which callbacks we are asked to send. There is no field for a code, and none is looked for."""

    def __init__(self, email_address_field: str | None) -> None:
        """Take the name of the field that holds the address in e-mail events; None: find it by its look."""
        self._email_address_field = email_address_field

    def read_message(self, body: bytes) -> DelegatedMessage | None:
        """Say what is to be sent; None where it is no message, or one without session or text."""
        try:
            told = as_object(parse_json(body))
        except NotReadable:
            return None
        kind, reference = vocabulary.message_kind(told.get("type")), session_id(told.get("sessionId"))
        text = _text(told, "text")
        if kind is None or reference is None or text is None:
            return None
        return DelegatedMessage(
            kind=kind,
            reference=reference,
            address=self._email(told) if kind.channel is Channel.EMAIL else _text(told, "phoneNumber"),
            text=text,
            subject=_text(told, "subject") if kind.channel is Channel.EMAIL else None,  # inferred
            link=_text(told, "sessionLink") if kind in _LINKS else None,
        )

    def _email(self, told: Mapping[str, Any]) -> str | None:
        """Return the address. Which field holds it was never published, so one that is in doubt is none."""
        name = self._email_address_field
        held = [told.get(name)] if name else [held for name, held in told.items() if name not in _NO_ADDRESSES]
        found = {_sendable(each.strip()) for each in held if isinstance(each, str) and _ADDRESS.fullmatch(each.strip())}
        return found.pop() if len(found) == 1 else None


def _text(told: Mapping[str, Any], name: str) -> str | None:
    held = told.get(name)
    return _sendable(held) if isinstance(held, str) and held.strip() else None


def _sendable(text: str) -> str:
    """Return a text without half characters, which JSON can hold and nothing that sends can write."""
    return text.encode(errors="replace").decode()
