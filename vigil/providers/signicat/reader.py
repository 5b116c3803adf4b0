"""Asking Signicat: a process, and the files behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

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
from vigil.domain.terms import LossReason, Name
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.files import capped, media_type_of, refuse_too_large, with_head
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.evidence import SHELVES, Shelf
from vigil.providers.signicat.process import snapshot_of, unrecognised
from vigil.providers.signicat.senders import EVENTS
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.signicat.wire import ids_of
from vigil.providers.transport import retry_after_of

_JSON: Final = "application/json"


class SignicatReader:
    """Reads one account; everything it does leaves Signicat as it was."""

    def __init__(self, settings: SignicatSettings, api: AssureApi) -> None:
        """Take the account's settings and its API."""
        self._api = api
        self._largest = settings.largest_artifact
        self._only_channel = settings.only_channel

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._api.check_login()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask for the process. Raises as the contract says."""
        content = await self._api.get(_place(question))
        try:
            process = parse_json(content)
        except NotReadable as error:
            if error.why == "not_json":
                # A page of a proxy, or half an answer: asking again may bring the process.
                raise ProviderUnavailable("not_json") from None
            return ProviderResponse(snapshot=unrecognised("process", error.why), raw=content)
        process_id = question.key.reference.partition(":")[2]
        snapshot = snapshot_of(process, process_id=process_id, channel=self._channel(question))
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=content)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as the contract says. The stored result is not needed: addresses follow from names."""
        shelf = SHELVES.get(artifact.locator)
        if shelf is None:
            raise ArtifactNotReady("not_listed")
        async with self._api.opened(_place(question) + shelf.path) as response:
            _refuse_other_than_file(response, shelf)
            refuse_too_large(response, self._largest)
            yield await _checked(response, shelf, self._largest)

    def _channel(self, question: ReadRequest) -> Name | None:
        return EVENTS if question.sender == EVENTS else self._only_channel


def _place(question: ReadRequest) -> str:
    ids = ids_of(question.key.reference)
    if ids is None:
        # Nothing but ids may become a part of the address.
        raise ReferenceUnknown("not_a_reference")
    dossier, process = ids
    return f"/dossiers/{dossier}/processes/{process}"


def _refuse_other_than_file(response: httpx.Response, shelf: Shelf) -> None:
    status = response.status_code
    code = f"http_{status}"
    if status == httpx.codes.UNAUTHORIZED:
        raise ProviderRefusesUs(code)
    if loss := shelf.losses.get(status):
        raise ArtifactLost(loss)
    if status in shelf.lagging:
        retry_after = retry_after_of(response.headers)
        raise ArtifactNotReady(code, otherwise=shelf.lagging[status], retry_after=retry_after)
    if status != httpx.codes.OK:
        raise ProviderUnavailable(code, retry_after=retry_after_of(response.headers))


async def _checked(response: httpx.Response, shelf: Shelf, largest: int) -> ArtifactStream:
    """Return the file if its first bytes tell a type that belongs here. Pictures come without a type of their own."""
    head, chunks = await with_head(capped(response, largest))
    media_type = _JSON if head.lstrip()[:1] in {b"{", b"["} else media_type_of(head)
    if media_type not in shelf.media_types:
        raise ArtifactSpoiled("wrong_type", loss=LossReason.WRONG_TYPE)
    return ArtifactStream(chunks=chunks, media_type=media_type)
