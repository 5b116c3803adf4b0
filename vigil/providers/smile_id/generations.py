"""Asking an account that has jobs of both generations: whose a job is, its id says."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.smile_id.v1.reader import SmileV1Reader
from vigil.providers.smile_id.v3.reader import SmileV3Reader
from vigil.providers.smile_id.v3.wire import job_id


class BothReader:
    """Reads one account; the third generation gives its jobs ids of its own form, the first leaves that to partners."""

    def __init__(self, v1: SmileV1Reader, v3: SmileV3Reader) -> None:
        """Take a reader for each generation."""
        self._v1 = v1
        self._v3 = v3

    async def check_login(self) -> None:
        """Log in to both. Raises as the contract says."""
        await self._v1.check_login()
        await self._v3.check_login()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask how a job stands. Raises as the contract says."""
        return await self._of(question).read(question)

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        """Ask how a job stands; only the third generation needs callbacks for it. Raises as the contract says."""
        if job_id(question.key.reference) is None:
            return await self._v1.read(question)
        return await self._v3.read_with_callbacks(question, callbacks)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as the contract says."""
        async with self._of(question).open_artifact(question, artifact, result) as stream:
            yield stream

    def _of(self, question: ReadRequest) -> SmileV1Reader | SmileV3Reader:
        return self._v1 if job_id(question.key.reference) is None else self._v3
