"""Bringing one file home: streamed, checked before it is visible, stored once."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Final

from temporalio import activity

from activities.download_progress import BEAT_EVERY, Heartbeats, beating
from activities.failures import try_again
from activities.file_parts import INCOMPLETE, PART_SIZE, FileParts
from activities.metrics import count
from vigil.domain.account import Account
from vigil.domain.digest import Digester, RunningDigest
from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ArtifactSpoiled,
    ProviderError,
    ProviderRefusesUs,
    ReferenceUnknown,
)
from vigil.domain.evidence import EvidenceRow
from vigil.domain.terms import ArtifactState, LossReason
from vigil.domain.tracking_plan import TrackingPlan
from vigil.providers.contract import NOT_RESUMABLE, FilePosition, Reader, ResumingReader
from vigil.storage.contract import AlreadyStored, NotStored, Storage, under
from vigil.storage.records import artifact_name
from vigil.temporal import messages

MOST_SPOILED = 5
"""So many downloads may bring other bytes than promised before the file is given up."""
_BEGIN_ANEW: Final = frozenset({NOT_RESUMABLE, INCOMPLETE})


class DownloadActivities:
    """The downloads of all accounts."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        readers: Mapping[str, Reader],
        storage: Storage,
        digester: Digester,
        *,
        part_size: int = PART_SIZE,
        beat_every: timedelta = BEAT_EVERY,
    ) -> None:
        """Take accounts and readers by the account's name."""
        self._accounts = accounts
        self._readers = readers
        self._storage = storage
        self._digester = digester
        self._part_size = part_size
        self._beat_every = beat_every

    @activity.defn(name=messages.DOWNLOAD)
    async def download(self, order: messages.DownloadInput) -> messages.DownloadResult:
        """Download one file. A repeat after a crash finds the whole file or nothing, and is harmless."""
        account, result = order.question.key.account, "tried_again"
        try:
            downloaded = await self._download(order)
            row = downloaded.row
            result = str(row.loss or row.state)
        finally:
            count("vigil_downloads_total", "Attempts to download a file", account=account, result=result)
        count("vigil_download_bytes_total", "Bytes of stored files", amount=row.size or 0, account=account)
        return downloaded

    async def _download(self, order: messages.DownloadInput) -> messages.DownloadResult:
        account = self._accounts[order.question.key.account]
        plan = account.plan_for(order.question.sender)
        async with beating(self._beat_every) as heartbeats:
            if before := await self._find_stored(order, heartbeats):
                return before
            try:
                return await self._fetch(order, self._readers[order.question.key.account], heartbeats)
            except ProviderError as error:
                if isinstance(error, ArtifactLost) or error.code in _BEGIN_ANEW:
                    await self._forget_parts(order, heartbeats)
                return _lost_or_tried_again(order, error, plan, heartbeats)

    async def _find_stored(
        self, order: messages.DownloadInput, heartbeats: Heartbeats
    ) -> messages.DownloadResult | None:
        """Return what an attempt stored that died before it could tell; no later answer takes that away."""
        name = artifact_name(order.path, order.artifact.name)
        try:
            size, digest = await self._measure(name)
        except NotStored:
            return None
        return _stored(order, name, size=size, digest=digest, media_type=heartbeats.progress.media_type)

    async def _fetch(
        self, order: messages.DownloadInput, reader: Reader, heartbeats: Heartbeats
    ) -> messages.DownloadResult:
        question, at, progress = order.question.opened(self._digester), heartbeats.position, heartbeats.progress
        if at is not None and at.received == at.file.size:
            return await self._join(order, at, heartbeats)
        if at is not None and isinstance(reader, ResumingReader):
            async with reader.resume_artifact(question, order.artifact, at) as stream:
                return await self._store_in_parts(order, stream.chunks, at, heartbeats)
        result = await self._result(order)
        async with reader.open_artifact(question, order.artifact, result) as stream:
            progress = messages.DownloadProgress(media_type=stream.media_type)
            heartbeats.note(progress)
            if stream.file is None or stream.file.size <= self._part_size:
                return await self._store(order, stream.chunks, progress.media_type)
            heartbeats.note(progress.model_copy(update={"size": stream.file.size, "etag": stream.file.etag}))
            return await self._store_in_parts(order, stream.chunks, FilePosition(stream.file, 0), heartbeats)

    async def _store_in_parts(
        self, order: messages.DownloadInput, chunks: AsyncIterator[bytes], at: FilePosition, heartbeats: Heartbeats
    ) -> messages.DownloadResult:
        parts, progress = self._parts(order, at), heartbeats.progress
        await parts.store(
            chunks, at, lambda received: heartbeats.note(progress.model_copy(update={"received": received}))
        )
        return await self._join(order, at, heartbeats)

    async def _join(
        self, order: messages.DownloadInput, at: FilePosition, heartbeats: Heartbeats
    ) -> messages.DownloadResult:
        parts = self._parts(order, at)
        downloaded = await self._store(order, parts.joined(at.file.size), heartbeats.progress.media_type)
        await parts.erase()
        return downloaded

    async def _store(
        self, order: messages.DownloadInput, chunks: AsyncIterator[bytes], media_type: str | None
    ) -> messages.DownloadResult:
        name, digest = artifact_name(order.path, order.artifact.name), self._digester.running("artifact")
        try:
            stored = await self._storage.put_new(name, _digested(chunks, digest), media_type=media_type)
            size, text = stored.size, digest.text()
        except AlreadyStored:
            size, text = await self._measure(name)
        return _stored(order, name, size=size, digest=text, media_type=media_type)

    def _parts(self, order: messages.DownloadInput, at: FilePosition) -> FileParts:
        # Parts of another file under the same name must never be joined with those of this one.
        file = self._digester.digest("file parts", f"{at.file.size} {at.file.etag}")
        return FileParts(self._storage, under(order.path, "parts", order.artifact.name, file), self._part_size)

    async def _forget_parts(self, order: messages.DownloadInput, heartbeats: Heartbeats) -> None:
        if heartbeats.position is not None:
            await self._parts(order, heartbeats.position).erase()
            heartbeats.note(messages.DownloadProgress())

    async def _result(self, order: messages.DownloadInput) -> bytes | None:
        if order.result is None:
            return None
        try:
            return await self._storage.read(order.result)
        except NotStored:
            return None

    async def _measure(self, name: str) -> tuple[int, str]:
        digest, size = self._digester.running("artifact"), 0
        async for chunk in self._storage.open(name):
            digest.update(chunk)
            size += len(chunk)
        return size, digest.text()


async def _digested(chunks: AsyncIterator[bytes], digest: RunningDigest) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _lost_or_tried_again(
    order: messages.DownloadInput, error: ProviderError, plan: TrackingPlan, heartbeats: Heartbeats
) -> messages.DownloadResult:
    """Give up what will not come. Raises for another attempt where one may heal it."""
    wait = error.retry_after
    match error:
        case ArtifactLost():
            return _lost(order, error.loss)
        case ReferenceUnknown():
            return _lost(order, LossReason.GONE)
        case ArtifactSpoiled():
            if heartbeats.count_spoiled() >= MOST_SPOILED:
                return _lost(order, error.loss)
        case ArtifactNotReady() if error.otherwise is not None and _has_lagged(plan):
            return _lost(order, error.otherwise)
        case ArtifactNotReady() | ProviderRefusesUs():
            wait = wait or plan.confirmation_every
    raise try_again(error.code, after=None if wait is None else min(wait, plan.longest_retry_after)) from None


def _has_lagged(plan: TrackingPlan) -> bool:
    """Whether a file that may as well never come has been waited for long enough."""
    info = activity.info()
    return info.started_time - info.scheduled_time >= plan.files_may_lag


def _stored(
    order: messages.DownloadInput, name: str, *, size: int, digest: str, media_type: str | None
) -> messages.DownloadResult:
    row = EvidenceRow(
        name=order.artifact.name,
        kind=order.artifact.kind,
        locator=order.artifact.locator,
        state=ArtifactState.STORED,
        size=size,
        digest=digest,
        media_type=media_type,
        stored_as=name,
        at=activity.info().started_time,
    )
    return messages.DownloadResult(row=row)


def _lost(order: messages.DownloadInput, why: LossReason) -> messages.DownloadResult:
    artifact = order.artifact
    row = EvidenceRow(
        name=artifact.name,
        kind=artifact.kind,
        locator=artifact.locator,
        state=ArtifactState.LOST,
        loss=why,
        at=activity.info().started_time,
    )
    return messages.DownloadResult(row=row)
