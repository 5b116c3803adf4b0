"""Asking Verdant: an inquiry, and the files that it lists behind links that expire."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import httpx

from vigil.domain.errors import ArtifactLost, ArtifactNotReady, ArtifactSpoiled, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import LossReason
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.files import IDENTITY, capped, refuse_too_large
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.transport import HttpAnswer, exchange, retry_after_of, streaming
from vigil.providers.verdant.inquiry import ListedFile, find_file, snapshot_of
from vigil.providers.verdant.settings import VerdantSettings

_EXPIRED: Final = httpx.codes.FORBIDDEN
"""What a link is answered with when its minutes are over."""


class VerdantReader:
    """Reads one account; everything it does leaves Verdant as it was."""

    def __init__(self, settings: VerdantSettings, http: httpx.AsyncClient) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._http = http

    async def check_login(self) -> None:
        """Ask who we are. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._ask("me")

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask for the inquiry. Raises as the contract says."""
        answer = await self._inquiry(question)
        try:
            inquiry = parse_json(answer.content)
        except NotReadable as error:
            raise ProviderUnavailable(error.why) from None
        return ProviderResponse(snapshot=snapshot_of(inquiry, reference=question.key.reference), raw=answer.content)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file by the link in the stored inquiry, or by that of a fresh one. Raises as the contract says."""
        file = find_file(result, artifact.locator) if result is not None else None
        if file is not None:
            async with self._download(file) as response:
                if response.status_code != _EXPIRED:
                    yield self._stream(response, file)
                    return
        renewed = find_file((await self._inquiry(question)).content, artifact.locator)
        if renewed is None:
            raise ArtifactNotReady("not_listed")
        async with self._download(renewed) as response:
            yield self._stream(response, renewed)

    async def _inquiry(self, question: ReadRequest) -> HttpAnswer:
        return await self._ask(f"inquiries/{quote(question.key.reference, safe='')}")

    async def _ask(self, place: str) -> HttpAnswer:
        url = f"{self._settings.base_url}/v2/{place}"
        headers = {"X-Api-Key": self._settings.api_key[0].get_secret_value()}
        answer = await exchange(self._http, self._http.build_request("GET", url, headers=headers))
        code = f"http_{answer.status}"
        if answer.status == httpx.codes.OK:
            return answer
        if answer.status == httpx.codes.NOT_FOUND:
            raise ReferenceUnknown(code)
        if answer.status == httpx.codes.UNAUTHORIZED:
            raise ProviderRefusesUs(code)
        raise ProviderUnavailable(code, retry_after=answer.retry_after())

    @asynccontextmanager
    async def _download(self, file: ListedFile) -> AsyncIterator[httpx.Response]:
        try:
            # The link is its own proof, so our key stays at home.
            request = self._http.build_request("GET", file.link, headers=IDENTITY)
        except httpx.InvalidURL:
            raise ArtifactLost(LossReason.REFUSED) from None
        async with streaming(self._http, request) as response:
            yield response

    def _stream(self, response: httpx.Response, file: ListedFile) -> ArtifactStream:
        code = response.status_code
        if code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
            raise ArtifactLost(LossReason.GONE)
        if code == _EXPIRED:
            raise ArtifactLost(LossReason.LINK_EXPIRED)
        if code != httpx.codes.OK:
            raise ProviderUnavailable(f"http_{code}", retry_after=retry_after_of(response.headers))
        largest = self._settings.largest_artifact
        refuse_too_large(response, largest)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return ArtifactStream(chunks=_verified(response, file, largest), media_type=media_type or None)


async def _verified(response: httpx.Response, file: ListedFile, largest: int) -> AsyncIterator[bytes]:
    digest = hashlib.sha256()
    async for chunk in capped(response, largest):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != file.sha256.lower():
        raise ArtifactSpoiled("hash_mismatch", loss=LossReason.HASH_MISMATCH)
