"""Bringing one file home: streamed, checked before it is visible, stored once."""

from collections.abc import AsyncIterator, Mapping

from temporalio import activity

from activities.accounts import WatchedAccount
from activities.failures import try_again
from domain.digest import Digester, RunningDigest
from domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ArtifactSpoiled,
    ProviderError,
    ProviderRefusesUs,
    ReferenceUnknown,
)
from domain.evidence import EvidenceRow
from domain.terms import ArtifactState, LossReason
from storage.contract import AlreadyStored, NotStored, Storage
from storage.records import artifact_name
from workflows import steps

MOST_SPOILED = 5
"""So many downloads may bring other bytes than promised before the file is given up."""


class DownloadingActivities:
    """The downloads of all accounts."""

    def __init__(self, accounts: Mapping[str, WatchedAccount], storage: Storage, digester: Digester) -> None:
        self._accounts = accounts
        self._storage = storage
        self._digester = digester

    @activity.defn(name=steps.DOWNLOAD)
    async def download(self, order: steps.Download) -> steps.Downloaded:
        """Download one file. A repeat after a crash finds the whole file or nothing, and is harmless."""
        account = self._accounts[order.question.key.account]
        plan = account.plan_for(order.question.sender)
        try:
            return await self._brought_home(order, account)
        except ArtifactLost as error:
            return _lost(order, error.loss)
        except ReferenceUnknown:
            return _lost(order, LossReason.GONE)
        except ArtifactSpoiled as error:
            if activity.info().attempt >= MOST_SPOILED:
                return _lost(order, error.loss)
            raise try_again(error.code) from None
        except (ArtifactNotReady, ProviderRefusesUs) as error:
            raise try_again(error.code, after=error.retry_after or plan.contradiction_every) from None
        except ProviderError as error:
            wait = None if error.retry_after is None else min(error.retry_after, plan.longest_retry_after)
            raise try_again(error.code, after=wait) from None

    async def _brought_home(self, order: steps.Download, account: WatchedAccount) -> steps.Downloaded:
        name = artifact_name(order.place, order.artifact.name)
        digest = self._digester.running("artifact")
        result = await self._result(order)
        async with account.reader.open_artifact(order.question, order.artifact, result) as stream:
            try:
                stored = await self._storage.put_new(
                    name, _watched(stream.chunks, digest), media_type=stream.media_type
                )
                size, text = stored.size, digest.text()
            except AlreadyStored:
                size, text = await self._measured(name)
            return _stored(order, name, size=size, digest=text, media_type=stream.media_type)

    async def _result(self, order: steps.Download) -> bytes | None:
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
        activity.heartbeat()
        yield chunk


def _stored(order: steps.Download, name: str, *, size: int, digest: str, media_type: str | None) -> steps.Downloaded:
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
    return steps.Downloaded(row=row)


def _lost(order: steps.Download, why: LossReason) -> steps.Downloaded:
    artifact = order.artifact
    row = EvidenceRow(
        name=artifact.name,
        kind=artifact.kind,
        locator=artifact.locator,
        state=ArtifactState.LOST,
        loss=why,
        at=activity.info().started_time,
    )
    return steps.Downloaded(row=row)
