"""A callback that was kept is never a dead end: it is read again, or given to a verification, and counts once."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from api.callbacks.relay import Relay, RelayPace
from tests.api.fakes import DIGESTER, Acme, Desk, account_of
from vigil.domain.verification_key import VerificationKey
from vigil.errors import CallbackNotQuarantined, CallbackNotUsable, UnknownVerification
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest
from vigil.quarantine import Quarantine, Reread
from vigil.storage.contract import StorageUnavailable
from vigil.storage.object_store import ObjectStorage
from vigil.storage.receipt_names import QUARANTINED

NOW = datetime(2025, 12, 3, 12, 0, tzinfo=UTC)


class Mended(Acme):
    """Acme after a release that reads `{"happened": ...}` too, as the provider has written since yesterday."""

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        body = request.request.body.replace(b"happened", b"says")
        told = CallbackRequest("acme", None, {}, body, received_at=request.request.received_at)
        return super().read_callbacks(GenuineRequest(request=told, proof=request.proof, kept_body=body))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.storage._folder = ObjectStorage(MemoryStore())  # a thousand files would be synced to the disk
    return desk


def request(reference: str, *, number: int = 0, proof: str = "secret", key: str = "happened") -> CallbackRequest:
    body = json.dumps({key: [{"ref": reference, "id": f"e-{number}"}]}).encode()
    at = NOW + timedelta(milliseconds=number)
    return CallbackRequest("acme", None, {"x-secret": "right", "x-proof": proof}, body, received_at=at)


async def quarantine_all(desk: Desk, *requests: CallbackRequest) -> list[str]:
    for each in requests:
        await desk.intake.finish(await desk.intake.receive(each, None))
    return [name.removeprefix(QUARANTINED) for name in await desk.storage.list(QUARANTINED, limit=5000)]


def quarantine_of(desk: Desk, provider: Acme | None = None) -> Quarantine:
    async def find(key: VerificationKey) -> object:
        if key.reference not in desk.verifications.open:
            raise UnknownVerification
        return key

    accounts = {"acme": account_of(provider or Mended())}
    return Quarantine(desk.storage, accounts, DIGESTER, path=desk.verifications.path, find=find)


async def reread(quarantine: Quarantine, *, dry_run: bool = False) -> list[Reread]:
    return [each async for each in quarantine.reread(dry_run=dry_run)]


async def relay_everything(desk: Desk) -> None:
    relay = Relay(desk.services, RelayPace(per_round=400), now=lambda: NOW + timedelta(hours=1))
    for _ in range(20):
        await relay.run_round()
        if not await desk.storage.list("inbox/pending"):
            break


async def test_a_thousand_kept_callbacks_reach_their_verifications_once_each_after_the_reader_is_corrected(
    desk: Desk,
) -> None:
    references = [f"r-{number % 250}" for number in range(1000)]
    desk.verifications.open = set(references)
    await quarantine_all(desk, *(request(each, number=number) for number, each in enumerate(references)))
    quarantine = quarantine_of(desk)

    found = await reread(quarantine)
    again = await reread(quarantine)
    await relay_everything(desk)
    later = await reread(quarantine)

    assert Counter(each.result for each in found) == {"queued": 1000}
    assert (again, later) == ([], [])
    assert Counter(reference for reference, _ in desk.verifications.signaled) == Counter(references)
    assert len({event.identity for _, event in desk.verifications.signaled}) == 1000
    assert desk.verifications.started == []
    assert Counter(name.partition("/")[0] for name in await desk.names("inbox")) == {}
    assert len(await desk.storage.list("verifications/acme/r-7/receipts")) == 4


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(desk: Desk) -> None:
    desk.verifications.open = {"r-1"}
    kept = await quarantine_all(desk, request("r-1"), request("r-2", number=1), request("", key="other", number=2))

    found = await reread(quarantine_of(desk), dry_run=True)

    assert [(each.result, list(each.paths)) for each in found] == [
        ("queued", ["acme/r-1"]),
        ("queued", ["acme/r-2"]),
        ("names_no_verification", []),
    ]
    assert [name.removeprefix(QUARANTINED) for name in await desk.storage.list(QUARANTINED)] == kept
    assert await desk.names("inbox/pending") == []


async def test_a_weak_proof_starts_nothing_when_it_is_read_again(desk: Desk) -> None:
    await quarantine_all(desk, request("r-1", proof="none"))

    [unknown] = await reread(quarantine_of(desk))
    desk.verifications.open = {"r-1"}
    [known] = await reread(quarantine_of(desk))

    assert (unknown.result, known.result) == ("verification_not_known", "queued")


async def test_an_interruption_between_two_steps_is_caught_up_by_a_repetition(desk: Desk) -> None:
    desk.verifications.open = {"r-1"}
    [receipt] = await quarantine_all(desk, request("r-1"))
    kept = await desk.storage.read(QUARANTINED + receipt)
    quarantine = quarantine_of(desk)
    await reread(quarantine)
    await desk.storage.put_new(QUARANTINED + receipt, kept)  # as if the process had died before it was removed
    await relay_everything(desk)
    await reread(quarantine)
    await relay_everything(desk)

    assert [reference for reference, _ in desk.verifications.signaled] == ["r-1"]
    assert await desk.storage.list("inbox") == []


async def test_a_storage_that_goes_away_loses_none_of_them(desk: Desk) -> None:
    desk.verifications.open = {"r-1"}
    await quarantine_all(desk, *(request("r-1", number=number) for number in range(3)))
    desk.storage.down, desk.storage.reads_down = True, False
    with pytest.raises(StorageUnavailable):
        await reread(quarantine_of(desk))
    desk.storage.down = False

    assert len(await reread(quarantine_of(desk))) == 3


async def test_a_callback_is_given_to_the_verification_that_a_person_names(desk: Desk) -> None:
    desk.verifications.open = {"r-1"}
    [receipt] = await quarantine_all(desk, request("", key="other"))

    await quarantine_of(desk, Acme()).attach(receipt, VerificationKey(account="acme", reference="r-1"))
    await relay_everything(desk)

    [(reference, event)] = desk.verifications.signaled
    assert (reference, event.observation.kind) == ("r-1", "unreadable")
    assert [name.rpartition("/")[2] for name in await desk.storage.list("verifications/acme/r-1/receipts")] == [receipt]


async def test_it_is_given_to_no_verification_that_nobody_knows_and_to_none_of_another_account(desk: Desk) -> None:
    [receipt] = await quarantine_all(desk, request("r-1"))
    quarantine = quarantine_of(desk)

    with pytest.raises(UnknownVerification):
        await quarantine.attach(receipt, VerificationKey(account="acme", reference="r-1"))
    with pytest.raises(CallbackNotUsable, match="account_not_configured"):
        await quarantine.attach(receipt, VerificationKey(account="other", reference="r-1"))


@pytest.mark.parametrize("name", ["../pending/x", "20251203T120000.000000Z-0123456789abcdef", "", "x" * 300])
async def test_a_name_of_no_quarantined_callback_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(CallbackNotQuarantined):
        await quarantine_of(desk).read(name)
