"""Distinguishes a file from an error message: Identomat answers both with 200."""

from collections.abc import AsyncIterator
from typing import Any, Final

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ProviderError, ReferenceUnknown
from vigil.domain.terms import LossReason
from vigil.providers.downloads import detect_media_type
from vigil.providers.identomat import vocabulary
from vigil.providers.parsing import NotReadable, as_object, parse_json

UNKNOWN_TYPE: Final = "application/octet-stream"
_FILE_TYPES: Final = ("image/", "video/", "audio/", "application/zip", UNKNOWN_TYPE)
_TEXT_STARTS: Final = (b"{", b"[", b'"', b"<")
_MAX_MESSAGE: Final = 64 * 1024


def file_type(head: bytes, declared: str | None) -> str | None:
    """Return the media type of a file by its first bytes, else by its header; None for a message or an empty answer."""
    if known := detect_media_type(head):
        return known
    is_text = head.lstrip().startswith(_TEXT_STARTS)
    if not head or is_text or (declared and not declared.startswith(_FILE_TYPES)):
        return None
    return declared or UNKNOWN_TYPE


def is_argument_error(content: object) -> bool:
    """Whether an answer says that our request was wrong. Its status may be 2xx."""
    return "argumentError" in as_object(content)


async def read_failure(chunks: AsyncIterator[bytes]) -> ProviderError:
    """Read the message that came instead of a file, and return the error that it means."""
    message = await _read_message(chunks)
    if message == vocabulary.SESSION_NOT_FOUND:
        return ReferenceUnknown(vocabulary.SESSION_NOT_FOUND)
    if is_argument_error(message):
        return ArtifactLost(LossReason.REFUSED)
    # unknown: the answer for a file that is not ready yet. So we ask for it again for a while.
    return ArtifactNotReady("no_file", otherwise=LossReason.WRONG_TYPE)


async def _read_message(chunks: AsyncIterator[bytes]) -> Any:
    content = b""
    async for chunk in chunks:
        content += chunk
        if len(content) > _MAX_MESSAGE:
            return None
    try:
        return parse_json(content)
    except NotReadable:
        return None
