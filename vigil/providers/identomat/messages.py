"""The messages that Identomat asks us to send, if the account uses its own SMS or e-mail provider."""

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


class IdentomatMessageReader:
    """Recognises the callbacks that ask us to send a message. They have no field for the code itself."""

    def __init__(self, email_address_field: str | None) -> None:
        """Take the name of the field that holds the e-mail address; None: find the one value that looks like one."""
        self._email_address_field = email_address_field

    def read_message(self, body: bytes) -> DelegatedMessage | None:
        """Return the message to send; None if the callback asks for none, or names no session or text."""
        try:
            content = as_object(parse_json(body))
        except NotReadable:
            return None
        kind, reference = vocabulary.message_kind(content.get("type")), session_id(content.get("sessionId"))
        text = _text(content, "text")
        if kind is None or reference is None or text is None:
            return None
        return DelegatedMessage(
            kind=kind,
            reference=reference,
            address=self._email_address(content) if kind.channel is Channel.EMAIL else _text(content, "phoneNumber"),
            text=text,
            subject=_text(content, "subject") if kind.channel is Channel.EMAIL else None,  # inferred
            link=_text(content, "sessionLink") if kind in _LINKS else None,
        )

    def _email_address(self, content: Mapping[str, Any]) -> str | None:
        """Return the address; None if two fields hold different ones. Its field was never published."""
        name = self._email_address_field
        values = [content.get(name)] if name else [each for name, each in content.items() if name not in _NO_ADDRESSES]
        texts = (each.strip() for each in values if isinstance(each, str))
        found = {_as_utf8(text) for text in texts if _ADDRESS.fullmatch(text)}
        return found.pop() if len(found) == 1 else None


def _text(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    return _as_utf8(value) if isinstance(value, str) and value.strip() else None


def _as_utf8(text: str) -> str:
    """Return a text without lone surrogates. JSON can hold them, but UTF-8 cannot."""
    return text.encode(errors="replace").decode()
