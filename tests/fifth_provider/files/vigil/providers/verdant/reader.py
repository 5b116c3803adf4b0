"""Reading from Verdant: an inquiry, and the files that it lists with links that expire."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from urllib.parse import quote

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ArtifactSpoiled
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import LossReason
from vigil.providers.answers import failure_of, parse_result, unrecognised
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.downloads import IDENTITY, declared_media_type, require_file, stream_file
from vigil.providers.parsing import NotReadable
from vigil.providers.transport import HttpAnswer, exchange, open_response
from vigil.providers.verdant.inquiry import ListedFile, find_file, snapshot_of
from vigil.providers.verdant.settings import VerdantSettings

_EXPIRED: Final = httpx.codes.FORBIDDEN
"""The answer to an expired link."""
_LOSSES: Final[Mapping[int, LossReason]] = {
    httpx.codes.NOT_FOUND: LossReason.GONE,
    httpx.codes.GONE: LossReason.GONE,
    _EXPIRED: LossReason.LINK_EXPIRED,
}


class VerdantReader:
    """Reads one account. It changes nothing at Verdant."""

    def __init__(self, settings: VerdantSettings, http: httpx.AsyncClient) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._http = http

    async def check_login(self) -> None:
        """Request our own account. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._get("me")

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the inquiry. Raises as `contract.Reader.read`."""
        answer = await self._get_inquiry(question)
        try:
            inquiry = parse_result(answer.content)
        except NotReadable as error:
            return ProviderResponse(snapshot=unrecognised("inquiry", error.why), raw=answer.content)
        return ProviderResponse(snapshot=snapshot_of(inquiry, reference=question.key.reference), raw=answer.content)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file by the link in the stored inquiry, or in a new one if that link has expired.

        Raises as `contract.Reader.open_artifact`.
        """
        file = find_file(result, artifact.locator) if result is not None else None
        if file is not None:
            async with self._download(file) as response:
                if response.status_code != _EXPIRED:
                    yield self._stream(response, file)
                    return
        renewed = find_file((await self._get_inquiry(question)).content, artifact.locator)
        if renewed is None:
            raise ArtifactNotReady("not_listed")
        async with self._download(renewed) as response:
            yield self._stream(response, renewed)

    async def _get_inquiry(self, question: ReadRequest) -> HttpAnswer:
        return await self._get(f"inquiries/{quote(question.key.reference, safe='')}")

    async def _get(self, path: str) -> HttpAnswer:
        url = f"{self._settings.base_url}/v2/{path}"
        headers = {"X-Api-Key": self._settings.api_key[0].get_secret_value()}
        answer = await exchange(self._http, self._http.build_request("GET", url, headers=headers))
        if answer.status != httpx.codes.OK:
            raise failure_of(answer)
        return answer

    def _download(self, file: ListedFile) -> AbstractAsyncContextManager[httpx.Response]:
        try:
            # The link is its own credential, so the request does not carry our key.
            request = self._http.build_request("GET", file.link, headers=IDENTITY)
        except httpx.InvalidURL:
            raise ArtifactLost(LossReason.REFUSED) from None
        return open_response(self._http, request)

    def _stream(self, response: httpx.Response, file: ListedFile) -> ArtifactStream:
        largest = self._settings.largest_artifact
        require_file(response, losses=_LOSSES, not_ready={}, largest=largest)
        return ArtifactStream(chunks=_verify_digest(response, file, largest), media_type=declared_media_type(response))


async def _verify_digest(response: httpx.Response, file: ListedFile, largest: int) -> AsyncIterator[bytes]:
    digest = hashlib.sha256()
    async for chunk in stream_file(response, largest):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != file.sha256.lower():
        raise ArtifactSpoiled("hash_mismatch", loss=LossReason.HASH_MISMATCH)
