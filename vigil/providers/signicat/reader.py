"""Reading from Signicat: a process, and its files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from vigil.domain.errors import ArtifactNotReady, ArtifactSpoiled, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import LossReason, Name
from vigil.providers.answers import parse_result, unrecognised
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.downloads import detect_media_type, peek, require_file, stream_file
from vigil.providers.parsing import NotReadable
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.evidence import FILE_ENDPOINTS
from vigil.providers.signicat.process import snapshot_of
from vigil.providers.signicat.senders import EVENTS
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.signicat.wire import split_reference

_JSON: Final = "application/json"


class SignicatReader:
    """Reads one account. It changes nothing at Signicat."""

    def __init__(self, settings: SignicatSettings, api: AssureApi) -> None:
        """Take the account's settings and its API."""
        self._api = api
        self._largest = settings.largest_artifact
        self._only_channel = settings.only_channel

    async def check_login(self) -> None:
        """Log in. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._api.check_login()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the process. Raises as `contract.Reader.read`."""
        content = await self._api.get(_path_of(question))
        try:
            process = parse_result(content)
        except NotReadable as error:
            return ProviderResponse(snapshot=unrecognised("process", error.why), raw=content)
        process_id = question.key.reference.partition(":")[2]
        snapshot = snapshot_of(process, process_id=process_id, channel=self._channel(question))
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=content)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as `contract.Reader.open_artifact`.

        The stored result is not used: the name of a file determines its address.
        """
        endpoint = FILE_ENDPOINTS.get(artifact.locator)
        if endpoint is None:
            raise ArtifactNotReady("not_listed")
        async with self._api.open_response(_path_of(question) + endpoint.path) as response:
            require_file(response, losses=endpoint.losses, not_ready=endpoint.not_ready, largest=self._largest)
            head, chunks = await peek(stream_file(response, self._largest))
            # Pictures come without a type of their own, so the first bytes decide.
            media_type = _JSON if head.lstrip().startswith((b"{", b"[")) else detect_media_type(head)
            if media_type not in endpoint.media_types:
                raise ArtifactSpoiled("wrong_type", loss=LossReason.WRONG_TYPE)
            yield ArtifactStream(chunks=chunks, media_type=media_type)

    def _channel(self, question: ReadRequest) -> Name | None:
        return EVENTS if question.sender == EVENTS else self._only_channel


def _path_of(question: ReadRequest) -> str:
    ids = split_reference(question.key.reference)
    if ids is None:
        # Only ids may become part of the address.
        raise ReferenceUnknown("not_a_reference")
    dossier, process = ids
    return f"/dossiers/{dossier}/processes/{process}"
