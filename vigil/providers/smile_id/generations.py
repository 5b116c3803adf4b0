"""Which generation a callback or a job belongs to, and reading an account that has jobs of both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.providers.contract import ArtifactStream, CallbackRequest, ProviderResponse
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.settings import Generation
from vigil.providers.smile_id.v1.reader import SmileV1Reader
from vigil.providers.smile_id.v3.reader import SmileV3Reader
from vigil.providers.smile_id.v3.wire import SIGNATURE, job_id

_V1_FIELDS: Final = frozenset({"ResultCode", "PartnerParams"})
_V3_FIELDS: Final = frozenset({"status", "product"})


def generation_of(request: CallbackRequest) -> Generation:
    """Return the generation of a callback. Anything unknown counts as the first, whose proof is in the body."""
    try:
        names = frozenset(as_object(parse_json(request.body)))
    except NotReadable:
        names = frozenset()
    if names & _V1_FIELDS:
        return "v1"
    return "v3" if names >= _V3_FIELDS or SIGNATURE in request.headers else "v1"


class BothReader:
    """Reads one account. A job id of the third generation has a form of its own; else the sender decides."""

    def __init__(self, v1: SmileV1Reader, v3: SmileV3Reader) -> None:
        """Take a reader for each generation."""
        self._v1 = v1
        self._v3 = v3

    async def check_login(self) -> None:
        """Log in to both. Raises as `contract.Reader.check_login`."""
        await self._v1.check_login()
        await self._v3.check_login()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read a job. Raises as `contract.Reader.read`."""
        return await self._reader_of(question).read(question)

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        """Read a job. Only the third generation needs the callbacks. Raises as `contract.Reader.read`."""
        reader = self._reader_of(question)
        if isinstance(reader, SmileV3Reader):
            return await reader.read_with_callbacks(question, callbacks)
        return await reader.read(question)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as `contract.Reader.open_artifact`."""
        async with self._reader_of(question).open_artifact(question, artifact, result) as stream:
            yield stream

    def _reader_of(self, question: ReadRequest) -> SmileV1Reader | SmileV3Reader:
        is_v3 = job_id(question.key.reference) is not None or question.sender == V3
        return self._v3 if is_v3 else self._v1
