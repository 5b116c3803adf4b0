"""Following the links that Smile ID puts into results: signed, short-lived, and at hosts that nobody documents.

Whoever can put a body beside an old signature can put any link into it, so none leads where ours does not belong.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactSpoiled, ProviderUnavailable
from vigil.domain.terms import LossReason
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, pinned_request, resolve_host
from vigil.providers.contract import ArtifactStream
from vigil.providers.files import IDENTITY, capped, media_type_of, refuse_too_large, with_head
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.transport import coded_failures, retry_after_of, streaming

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

# inferred: stores answer so where the time in a signed link is over; one says 400, most say 403
_EXPIRED: Final = frozenset({400, 401, 403, 410})

_PICTURES: Final = frozenset({"image/jpeg", "image/png"})
_PDF: Final = b"%PDF-"


class Links:
    """Opens links of one account's results, without any credentials of ours."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, *, resolve: Resolve = resolve_host) -> None:
        """Take the account's settings and the shared client, whose owner closes it; `resolve` gives addresses."""
        self._home = _origin(urlsplit(settings.base_url))
        self._hosts = settings.artifact_hosts
        self._largest = settings.largest_artifact
        self._http = http
        self._resolve = resolve

    @asynccontextmanager
    async def opened(self, link: str, *, is_picture: bool) -> AsyncIterator[ArtifactStream]:
        """Open a file for streaming; of what is no picture the type is taken from its first bytes, else its header.

        Raises:
            ArtifactLost: `link_expired`, `gone`, `too_large`, or `refused` for a link that we do not follow.
            ArtifactSpoiled: something else came in the place of a picture.
            ProviderUnavailable: no usable answer; another attempt may have one.

        """
        request = await self._request(link)
        async with streaming(self._http, request) as response:
            _refuse_other_than_file(response)
            refuse_too_large(response, self._largest)
            head, chunks = await with_head(capped(response, self._largest))
            media_type = media_type_of(head)
            if is_picture and media_type not in _PICTURES:
                raise ArtifactSpoiled("wrong_type", loss=LossReason.WRONG_TYPE)
            yield ArtifactStream(chunks=chunks, media_type=media_type or _told_type(head, response))

    async def _request(self, link: str) -> httpx.Request:
        try:
            parts = urlsplit(link)
            # Only where the account's own address leads may be private: that is somebody's simulator or proxy.
            is_home = _origin(parts) == self._home
        except ValueError:
            raise ArtifactLost(LossReason.REFUSED) from None
        if not is_home and not self._may_follow(parts):
            raise ArtifactLost(LossReason.REFUSED)
        try:
            with coded_failures():
                return await pinned_request(
                    self._http, "GET", link, headers=IDENTITY, allow_private=is_home, resolve=self._resolve
                )
        except (PrivateAddress, httpx.InvalidURL):
            raise ArtifactLost(LossReason.REFUSED) from None
        except NotResolved:
            raise ProviderUnavailable("not_resolved") from None

    def _may_follow(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").lower()
        is_plain = parts.scheme == "https" and bool(host) and parts.username is None and parts.password is None
        return is_plain and (not self._hosts or host in self._hosts)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def _refuse_other_than_file(response: httpx.Response) -> None:
    code = response.status_code
    if code in _EXPIRED:
        raise ArtifactLost(LossReason.LINK_EXPIRED)
    if code == httpx.codes.NOT_FOUND:
        raise ArtifactLost(LossReason.GONE)
    if code != httpx.codes.OK:
        raise ProviderUnavailable(f"http_{code}", retry_after=retry_after_of(response.headers))


def _told_type(head: bytes, response: httpx.Response) -> str | None:
    if head.startswith(_PDF):
        return "application/pdf"
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() or None
