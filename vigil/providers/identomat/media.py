"""Telling a file from a message that stands in its place: Identomat answers 200 with either."""

from collections.abc import AsyncIterator
from typing import Any, Final

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ProviderError, ReferenceUnknown
from vigil.domain.terms import LossReason
from vigil.providers.files import media_type_of
from vigil.providers.identomat import vocabulary
from vigil.providers.parsing import NotReadable, as_object, parse_json

UNKNOWN_TYPE: Final = "application/octet-stream"
_OF_FILES: Final = ("image/", "video/", "audio/", "application/zip", UNKNOWN_TYPE)
_BEGINS_TEXT: Final = b'{["<'
_LARGEST_MESSAGE: Final = 64 * 1024


def type_of_file(head: bytes, declared: str) -> str | None:
    """Return the media type of a file by its first bytes, else by its header; None for a message or nothing at all."""
    if known := media_type_of(head):
        return known
    bare = declared.partition(";")[0].strip().lower()
    is_text = head.lstrip()[:1] in {bytes([each]) for each in _BEGINS_TEXT}
    if not head or is_text or (bare and not bare.startswith(_OF_FILES)):
        return None
    return bare or UNKNOWN_TYPE


def argument_error(content: object) -> bool:
    """Whether an answer says that our request was at fault, which it may say with a 2xx."""
    return "argumentError" in as_object(content)


async def failure_in(chunks: AsyncIterator[bytes]) -> ProviderError:
    """Read the message that came in the place of a file, and return what it means."""
    said = await _message(chunks)
    if said == vocabulary.SESSION_NOT_FOUND:
        return ReferenceUnknown(vocabulary.SESSION_NOT_FOUND)
    if argument_error(said):
        return ArtifactLost(LossReason.REFUSED)
    # unknown: how a file that is not ready yet shows, so it is asked for again for a while
    return ArtifactNotReady("no_file", otherwise=LossReason.WRONG_TYPE)


async def _message(chunks: AsyncIterator[bytes]) -> Any:
    content = b""
    async for chunk in chunks:
        content += chunk
        if len(content) > _LARGEST_MESSAGE:
            return None
    try:
        return parse_json(content)
    except NotReadable:
        return None
