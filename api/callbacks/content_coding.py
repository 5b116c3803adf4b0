"""What headers say about the bytes of a callback: the content coding is undone, and the text is made UTF-8."""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Final

from vigil.domain.terms import as_word
from vigil.providers.parsing import CallbackBody

_CODINGS: Final[Mapping[str, tuple[int, ...]]] = {
    "gzip": (31,),
    "x-gzip": (31,),
    # Some senders write a bare stream where HTTP asks for one with a zlib header.
    "deflate": (15, -15),
}
"""By content coding: the window bits with which zlib is tried in turn."""
_MOST_CODINGS: Final = 2
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^\s";,]+)', re.IGNORECASE)
_UTF_8: Final = frozenset({"utf-8", "utf8"})
_CHARSETS: Final = frozenset(
    {
        "iso-8859-1",
        "iso-8859-15",
        "windows-1252",
        *(f"utf-{bits}{order}" for bits in (16, 32) for order in ("", "le", "be", "-le", "-be")),
    }
)


class BodyTooLarge(Exception):
    """The body, as received or decoded, is larger than the limit."""


class _Undecodable(Exception):
    """The bytes do not have the form that their header names."""


def decode_body(body: bytes, headers: Mapping[str, str], *, largest: int) -> CallbackBody:
    """Return the body without its content coding and in UTF-8. What cannot be decoded stays as it is, and says so.

    Raises:
        BodyTooLarge: it has more than `largest` bytes. Not one byte more is decoded.

    """
    for coding in reversed(codings_of(headers)):
        windows = _CODINGS.get(coding)
        if windows is None:
            return CallbackBody(body, unread_encoding=as_word(f"content-encoding.{coding}") or "content-encoding")
        try:
            body = _inflate(body, windows, largest)
        except _Undecodable:
            return CallbackBody(body, unread_encoding=f"content-encoding.{coding}")
    return _convert(body, headers)


def codings_of(headers: Mapping[str, str]) -> list[str]:
    """Return the content codings in the order in which the sender applied them; more than two count as one."""
    names = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    applied = [name for name in names if name not in {"", "identity"}]
    return applied if len(applied) <= _MOST_CODINGS else ["repeated"]


def _inflate(body: bytes, windows: tuple[int, ...], largest: int) -> bytes:
    for bits in windows:
        inflater = zlib.decompressobj(bits)
        try:
            content = inflater.decompress(body, largest + 1)
        except zlib.error:
            continue
        if len(content) > largest:
            raise BodyTooLarge
        if inflater.eof and not inflater.unused_data:
            return content
    raise _Undecodable


def _convert(body: bytes, headers: Mapping[str, str]) -> CallbackBody:
    """Return the body in UTF-8, by what its bytes show and else by the charset that its header names.

    JSON is UTF-8, and many senders declare another charset by mistake, so the bytes come first.
    """
    named = _CHARSET.search(headers.get("content-type", ""))
    declared = named[1].lower() if named else "utf-8"
    shown: str = json.detect_encoding(body)
    if shown.startswith("utf-8"):
        if declared in _UTF_8 or _is_utf_8(body):
            return CallbackBody(body)
        shown = declared
    if shown not in _CHARSETS:
        return CallbackBody(body, unread_encoding=as_word(f"charset.{shown}") or "charset")
    try:
        return CallbackBody(body.decode(shown).encode(), received=body)
    except UnicodeError:
        return CallbackBody(body, unread_encoding=f"charset.{shown}")


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeError:
        return False
    return True
