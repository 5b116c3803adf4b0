"""Downloads from the links in results: signed, short-lived, and at hosts that no document lists.

A signature does not cover the body, so an attacker with an old signature can insert any link. Every link is checked.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactSpoiled, ProviderUnavailable
from vigil.domain.terms import LossReason
from vigil.outbound_http import NotResolved, PrivateAddress, Resolve, pinned_request, resolve_host
from vigil.providers.contract import ArtifactStream
from vigil.providers.downloads import IDENTITY, declared_media_type, detect_media_type, peek, require_file, stream_file
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.transport import open_response, translate_failures

FILES: Final = "/storage/"
"""Below `base_url`, the only path of the account's own host that is followed: a simulator's or a proxy's files."""

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

# inferred: the answers to an expired link; one kind of storage answers 400, most answer 403
_LOSSES: Final[Mapping[int, LossReason]] = {
    **dict.fromkeys((400, 401, 403, 410), LossReason.LINK_EXPIRED),
    404: LossReason.GONE,
}

_PICTURES: Final = frozenset({"image/jpeg", "image/png"})
_PDF: Final = b"%PDF-"


class Links:
    """Opens the links in one account's results. The requests carry none of our credentials."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, *, resolve: Resolve = resolve_host) -> None:
        """Take the account's settings and the shared client, whose owner closes it; `resolve` looks up hosts."""
        home = urlsplit(settings.base_url)
        self._home, self._files = _origin(home), home.path + FILES
        self._hosts = settings.artifact_hosts
        self._largest = settings.largest_artifact
        self._http = http
        self._resolve = resolve

    @asynccontextmanager
    async def open(self, link: str, *, is_picture: bool) -> AsyncIterator[ArtifactStream]:
        """Open a file for streaming. Its first bytes determine the type, or else its header.

        Raises:
            ArtifactLost: `link_expired`, `gone`, `too_large`, or `refused` for a link that we do not follow.
            ArtifactSpoiled: the file should be a picture and is none.
            ProviderUnavailable: there was no usable answer; another attempt may have one.

        """
        request = await self._build_request(link)
        async with open_response(self._http, request) as response:
            require_file(response, losses=_LOSSES, not_ready={}, largest=self._largest)
            head, chunks = await peek(stream_file(response, self._largest))
            media_type = detect_media_type(head)
            if is_picture and media_type not in _PICTURES:
                raise ArtifactSpoiled("wrong_type", loss=LossReason.WRONG_TYPE)
            if head.startswith(_PDF):
                media_type = "application/pdf"
            yield ArtifactStream(chunks=chunks, media_type=media_type or declared_media_type(response))

    async def _build_request(self, link: str) -> httpx.Request:
        try:
            parts = urlsplit(link)
            # Only the account's own host may have a private address: it may be a simulator or a proxy.
            is_home = self._is_home(parts)
        except ValueError:
            raise ArtifactLost(LossReason.REFUSED) from None
        if not is_home and not self._may_follow(parts):
            raise ArtifactLost(LossReason.REFUSED)
        try:
            with translate_failures():
                request = self._http.build_request("GET", link, headers=IDENTITY)
                return await pinned_request(request, allow_private=is_home, resolve=self._resolve)
        except (PrivateAddress, httpx.InvalidURL):
            raise ArtifactLost(LossReason.REFUSED) from None
        except NotResolved:
            raise ProviderUnavailable("not_resolved") from None

    def _may_follow(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").lower()
        is_plain = _origin(parts) == ("https", host, 443) and bool(host) and "@" not in parts.netloc
        is_foreign = _origin(parts) != self._home
        return is_plain and (host in self._hosts if self._hosts else is_foreign)

    def _is_home(self, parts: SplitResult) -> bool:
        path = unquote(parts.path)
        return _origin(parts) == self._home and path.startswith(self._files) and ".." not in path.split("/")


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)
