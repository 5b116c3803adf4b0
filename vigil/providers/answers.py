"""What an HTTP answer means at every provider, before the provider's own words are read."""

from typing import Any, Final

import httpx

from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import MOST_FILES, Drift, Snapshot
from vigil.domain.terms import Name, Stage, as_word
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.transport import HttpAnswer

REFUSALS: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
"""Status codes by which a provider refuses our credentials or rights."""


def failure_of(
    answer: HttpAnswer, *, code: str | None = None, refusals: frozenset[int] | frozenset[httpx.codes] = REFUSALS
) -> ProviderError:
    """Return the error for an answer that is not the result: by its status, with `code` or else `http_<status>`."""
    code = code or f"http_{answer.status}"
    if answer.status == httpx.codes.NOT_FOUND:
        return ReferenceUnknown(code)
    if answer.status == httpx.codes.GONE:  # unknown: no source names it; it can only mean a deletion
        return ReferenceUnknown(code, gone=True)
    if answer.status in refusals:
        return ProviderRefusesUs(code)
    return ProviderUnavailable(code, retry_after=answer.retry_after())


def parse_result(content: bytes) -> Any:
    """Parse a result.

    Raises:
        ProviderUnavailable: not JSON, so a proxy's page or half a result; another read may return the result.
        NotReadable: JSON that we do not take.

    """
    try:
        return parse_json(content)
    except NotReadable as error:
        if error.why == "not_json":
            raise ProviderUnavailable("not_json") from None
        raise


def too_many_files(field: str, count: int) -> tuple[Drift, ...]:
    """Return the drift of a result with more files than a record holds, so that the others are not lost in silence."""
    return (Drift(field=field, value=f"more_than_{MOST_FILES}"),) if count > MOST_FILES else ()


def unrecognised(field: str, value: object = None, *, sender: Name | None = None, word: str | None = None) -> Snapshot:
    """Return the snapshot of a result that we do not understand. It names the field where the reading stopped."""
    drift = Drift(field=field, value=as_word(value))
    return Snapshot(stage=Stage.UNRECOGNISED, sender=sender, word=as_word(word), unrecognised=(drift,))
