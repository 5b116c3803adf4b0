"""Asking ID360: the report of a user file, and the files that it lists."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import httpx

from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ArtifactSpoiled,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
)
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import LossReason
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.files import IDENTITY, capped, refuse_too_large
from vigil.providers.id360.documents import ListedFile, find_file, running_digest
from vigil.providers.id360.login import login_of
from vigil.providers.id360.report import is_deleted, snapshot_of, unrecognised
from vigil.providers.id360.settings import Id360Settings
from vigil.providers.login import LoggedIn
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.transport import HttpAnswer, retry_after_of

_LOSSES: Final[Mapping[int, LossReason]] = {
    httpx.codes.FORBIDDEN: LossReason.REFUSED,
    httpx.codes.NOT_FOUND: LossReason.GONE,
    httpx.codes.GONE: LossReason.GONE,
}


class Id360Reader:
    """Reads one account; everything it does leaves ID360 as it was."""

    def __init__(
        self,
        settings: Id360Settings,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._login = login_of(settings, http, clock)
        self._asker = LoggedIn(http, self._login, scheme="Token")

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._login.renew()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask for the report. Raises as the contract says."""
        reference = question.key.reference
        answer = await self._report(reference)
        if answer.status == httpx.codes.OK:
            return _reply(answer.content, reference)
        if answer.status == httpx.codes.ACCEPTED:
            return ProviderResponse(snapshot=None, word="http_202")
        code = f"http_{answer.status}"
        if answer.status == httpx.codes.NOT_FOUND:
            raise ReferenceUnknown(code)
        if answer.status == httpx.codes.GONE:  # unknown: no source names it; it can only mean one thing
            raise ReferenceUnknown(code, gone=True)
        if answer.status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise ProviderRefusesUs(code)
        raise ProviderUnavailable(code, retry_after=answer.retry_after())

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file that the stored report lists. Raises as the contract says.

        Only addresses of the account's own server are asked: the request carries our token.
        """
        file = find_file(result, artifact.locator) if result is not None else None
        if file is None or file.url is None:
            raise ArtifactNotReady("not_listed")
        url = self._own_url(file.url)
        async with self._asker.opened(url, IDENTITY) as response:
            yield self._stream(response, file)

    async def _report(self, reference: str) -> HttpAnswer:
        # A dot, too, is encoded: `..` would be taken for a step up in the path. What a draft holds is unknown, so
        # none is asked for, just as integrators do.
        place = quote(reference, safe="").replace(".", "%2E")
        url = f"{self._settings.base_url}/api/1.0.0/enrollment/{place}/report?allow_draft=false"
        return await self._asker.ask(url)

    def _own_url(self, link: str) -> httpx.URL:
        own = httpx.URL(self._settings.base_url)
        try:
            url = own.join(link)
        except (httpx.InvalidURL, ValueError):
            raise ArtifactLost(LossReason.REFUSED) from None
        is_own = (url.scheme, url.host, _port(url)) == (own.scheme, own.host, _port(own))
        if not is_own or url.userinfo:
            raise ArtifactLost(LossReason.REFUSED)
        return url

    def _stream(self, response: httpx.Response, file: ListedFile) -> ArtifactStream:
        _refuse_other_than_file(response)
        largest = self._settings.largest_artifact
        refuse_too_large(response, largest)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return ArtifactStream(chunks=_verified(response, file, largest), media_type=media_type or None)


def _reply(content: bytes, reference: str) -> ProviderResponse:
    try:
        report = parse_json(content)
    except NotReadable as error:
        if error.why == "not_json":
            # A page of a proxy, or half a report: asking again may bring the report.
            raise ProviderUnavailable("not_json") from None
        return ProviderResponse(snapshot=unrecognised("report", error.why), raw=content)
    if is_deleted(report):
        raise ReferenceUnknown("deleted", gone=True)
    snapshot = snapshot_of(report, reference=reference)
    return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=content)


def _refuse_other_than_file(response: httpx.Response) -> None:
    code = response.status_code
    if code == httpx.codes.UNAUTHORIZED:
        raise ProviderRefusesUs("http_401")
    if loss := _LOSSES.get(code):
        raise ArtifactLost(loss)
    if code in {httpx.codes.ACCEPTED, httpx.codes.NO_CONTENT}:
        raise ArtifactNotReady(f"http_{code}")
    if code != httpx.codes.OK:
        raise ProviderUnavailable(f"http_{code}", retry_after=retry_after_of(response.headers))
    if response.headers.get("content-type", "").lower().startswith("text/html"):
        # No upload can be a page, so this is a message of something in between.
        raise ArtifactSpoiled("html", loss=LossReason.WRONG_TYPE)


async def _verified(response: httpx.Response, file: ListedFile, largest: int) -> AsyncIterator[bytes]:
    digest = running_digest(file.algorithm) if file.digest else None
    async for chunk in capped(response, largest):
        if digest is not None:
            digest.update(chunk)
        yield chunk
    if digest is not None and file.digest is not None and digest.hexdigest() != file.digest.lower():
        raise ArtifactSpoiled("hash_mismatch", loss=LossReason.HASH_MISMATCH)


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
