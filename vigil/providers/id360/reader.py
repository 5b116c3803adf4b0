"""Reading from ID360: the report of a user file, and the files that it lists."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ArtifactSpoiled, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import LossReason
from vigil.providers.answers import failure_of, parse_result, unrecognised
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.downloads import IDENTITY, declared_media_type, require_file, stream_file
from vigil.providers.id360.documents import ListedFile, find_file, new_digest
from vigil.providers.id360.login import create_login
from vigil.providers.id360.report import is_deleted, snapshot_of
from vigil.providers.id360.settings import Id360Settings
from vigil.providers.login import AuthorizedClient
from vigil.providers.parsing import NotReadable
from vigil.providers.transport import HttpAnswer

_LOSSES: Final[Mapping[int, LossReason]] = {
    httpx.codes.FORBIDDEN: LossReason.REFUSED,
    httpx.codes.NOT_FOUND: LossReason.GONE,
    httpx.codes.GONE: LossReason.GONE,
}
_NOT_READY: Final[Mapping[int, LossReason | None]] = {httpx.codes.ACCEPTED: None, httpx.codes.NO_CONTENT: None}


class Id360Reader:
    """Reads one account. It changes nothing at ID360."""

    def __init__(
        self,
        settings: Id360Settings,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._login = create_login(settings, http, clock)
        self._client = AuthorizedClient(http, self._login, scheme="Token", largest=settings.largest_answer)

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._login.renew()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the report. Raises as `contract.Reader.read`."""
        reference = question.key.reference
        answer = await self._request_report(reference)
        if answer.status == httpx.codes.OK:
            return _read_report(answer.content, reference)
        if answer.status == httpx.codes.ACCEPTED:
            return ProviderResponse(snapshot=None, word="http_202")
        raise failure_of(answer)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file that the stored report lists. Raises as `contract.Reader.open_artifact`.

        Requests go to the account's own server only, since they carry our token.
        """
        file = find_file(result, artifact.locator) if result is not None else None
        if file is None or file.url is None:
            raise ArtifactNotReady("not_listed")
        async with self._client.open_response(self._own_url(file.url), IDENTITY) as response:
            yield self._stream(response, file)

    async def _request_report(self, reference: str) -> HttpAnswer:
        # Dots are encoded too, since `..` would mean the parent path. The content of a draft is unknown, so we do not
        # request drafts; integrators do the same.
        path = quote(reference, safe="").replace(".", "%2E")
        return await self._client.request(
            f"{self._settings.base_url}/api/1.0.0/enrollment/{path}/report?allow_draft=false"
        )

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
        largest = self._settings.largest_artifact
        require_file(response, losses=_LOSSES, not_ready=_NOT_READY, largest=largest)
        media_type = declared_media_type(response)
        if media_type == "text/html":
            # Applicants cannot upload web pages, so this is a message of a server in between.
            raise ArtifactSpoiled("html", loss=LossReason.WRONG_TYPE)
        return ArtifactStream(chunks=_verify_digest(response, file, largest), media_type=media_type)


def _read_report(content: bytes, reference: str) -> ProviderResponse:
    try:
        report = parse_result(content)
    except NotReadable as error:
        return ProviderResponse(snapshot=unrecognised("report", error.why), raw=content)
    if is_deleted(report):
        raise ReferenceUnknown("deleted", gone=True)
    snapshot = snapshot_of(report, reference=reference)
    return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=content)


async def _verify_digest(response: httpx.Response, file: ListedFile, largest: int) -> AsyncIterator[bytes]:
    digest = new_digest(file.algorithm) if file.digest else None
    async for chunk in stream_file(response, largest):
        if digest is not None:
            digest.update(chunk)
        yield chunk
    if digest is not None and file.digest is not None and digest.hexdigest() != file.digest.lower():
        raise ArtifactSpoiled("hash_mismatch", loss=LossReason.HASH_MISMATCH)


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
