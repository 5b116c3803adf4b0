"""Following the links that Smile ID puts into results: signed, short-lived, and at hosts that nobody documents.

Whoever can put a body beside an old signature can put any link into it, so none leads where ours does not belong.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from domain.errors import ArtifactLost, ProviderUnavailable
from domain.terms import LossReason
from outbound import NotResolved, PrivateAddress, Resolve, pinned, resolved
from providers.files import IDENTITY
from providers.smile_id.settings import SmileIdSettings
from providers.transport import coded_failures, retry_after_of, streaming

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

# inferred: stores answer so where the time in a signed link is over; one says 400, most say 403
_EXPIRED: Final = frozenset({400, 401, 403, 410})


class Links:
    """Opens links of one account's results, without any credentials of ours."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, *, resolve: Resolve = resolved) -> None:
        """Take the account's settings and the shared client, whose owner closes it; `resolve` gives addresses."""
        self._home = _origin(urlsplit(settings.base_url))
        self._hosts = settings.artifact_hosts
        self._http = http
        self._resolve = resolve

    @asynccontextmanager
    async def opened(self, link: str) -> AsyncIterator[httpx.Response]:
        """Open a file whose bytes are to be read.

        Raises:
            ArtifactLost: `link_expired`, `gone`, or `refused` for a link that we do not follow.
            ProviderUnavailable: no usable answer; another attempt may have one.

        """
        request = await self._request(link)
        async with streaming(self._http, request) as response:
            _refuse_other_than_file(response)
            yield response

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
                return await pinned(
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
