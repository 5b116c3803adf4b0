"""Bringing one file home: streamed, checked before it is visible, stored once."""

from collections.abc import AsyncIterator, Mapping

from temporalio import activity

from activities.failures import try_again
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
from vigil.providers.contract import Reader
from vigil.storage.contract import AlreadyStored, NotStored, Storage
from vigil.storage.records import artifact_name
from vigil.temporal import messages

MOST_SPOILED = 5
"""So many downloads may bring other bytes than promised before the file is given up."""


class DownloadActivities:
    """The downloads of all accounts."""

    def __init__(
        self, accounts: Mapping[str, Account], readers: Mapping[str, Reader], storage: Storage, digester: Digester
    ) -> None:
        """Take accounts and readers by the account's name."""
        self._accounts = accounts
        self._readers = readers
        self._storage = storage
        self._digester = digester

    @activity.defn(name=messages.DOWNLOAD)
    async def download(self, order: messages.DownloadInput) -> messages.DownloadResult:
        """Download one file. A repeat after a crash finds the whole file or nothing, and is harmless."""
        account = self._accounts[order.question.key.account]
        plan = account.plan_for(order.question.sender)
        try:
            return await self._brought_home(order, self._readers[order.question.key.account])
        except ProviderError as error:
            return await self._stored_before(order) or _lost_or_tried_again(order, error, plan)

    async def _brought_home(self, order: messages.DownloadInput, reader: Reader) -> messages.DownloadResult:
        name = artifact_name(order.path, order.artifact.name)
        digest = self._digester.running("artifact")
        result = await self._result(order)
        async with reader.open_artifact(order.question.opened(self._digester), order.artifact, result) as stream:
            try:
                stored = await self._storage.put_new(
                    name, _watched(stream.chunks, digest), media_type=stream.media_type
                )
                size, text = stored.size, digest.text()
            except AlreadyStored:
                size, text = await self._measured(name)
            return _stored(order, name, size=size, digest=text, media_type=stream.media_type)

    async def _stored_before(self, order: messages.DownloadInput) -> messages.DownloadResult | None:
        """Return what an attempt stored that died before it could tell; no later answer takes that away."""
        if activity.info().attempt == 1:
            return None
        name = artifact_name(order.path, order.artifact.name)
        try:
            size, digest = await self._measured(name)
        except NotStored:
            return None
        return _stored(order, name, size=size, digest=digest, media_type=None)

    async def _result(self, order: messages.DownloadInput) -> bytes | None:
        if order.result is None:
            return None
        try:
            return await self._storage.read(order.result)
        except NotStored:
            return None

    async def _measured(self, name: str) -> tuple[int, str]:
        digest, size = self._digester.running("artifact"), 0
        async for chunk in self._storage.open(name):
            digest.update(chunk)
            size += len(chunk)
        return size, digest.text()


async def _watched(chunks: AsyncIterator[bytes], digest: RunningDigest) -> AsyncIterator[bytes]:
    """Pass the bytes on, digest them, and show the server that we are alive."""
    async for chunk in chunks:
        digest.update(chunk)
        activity.heartbeat(_spoiled_before())
        yield chunk


def _spoiled_before() -> int:
    """Return how many attempts brought other bytes; an outage, which is an attempt too, does not count."""
    return next(iter(activity.info().heartbeat_details), 0)


def _lost_or_tried_again(
    order: messages.DownloadInput, error: ProviderError, plan: TrackingPlan
) -> messages.DownloadResult:
    """Give up what will not come. Raises for another attempt where one may heal it."""
    wait = error.retry_after
    match error:
        case ArtifactLost():
            return _lost(order, error.loss)
        case ReferenceUnknown():
            return _lost(order, LossReason.GONE)
        case ArtifactSpoiled():
            spoiled = _spoiled_before() + 1
            if spoiled >= MOST_SPOILED:
                return _lost(order, error.loss)
            activity.heartbeat(spoiled)
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
