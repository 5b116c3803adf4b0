"""The inbox: kept, found again, filed; refusals and identities seen."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from vigil.domain.callback_event import CallbackEvent, StatusSeen
from vigil.domain.terms import Proof
from vigil.domain.verification_key import VerificationKey
from vigil.storage.contract import AlreadyStored, Content, NotStored, Storage, StorageUnavailable, Stored
from vigil.storage.folder import FolderStorage
from vigil.storage.inbox import AddressedEvent, Inbox, Quarantined, Receipt, Refusal

NOON = datetime(2025, 12, 3, 12, 0, 0, 123456, tzinfo=UTC)
PLACE = "id360/enrollment-1"
DIGEST = "d" * 26
MARK = "e" * 26
BODY = b'\xff\x00{"id": 1}'


def receipt(at: datetime = NOON) -> Receipt:
    return about(None, at)


def about(
    identity: str | None,
    at: datetime = NOON,
    *,
    proof: Proof = Proof.SECRET,
    reference: str = "enrollment-1",
    path: str = PLACE,
) -> Receipt:
    account = path.partition("/")[0]
    event = CallbackEvent(
        delivery=DIGEST,
        identity=identity,
        received_at=at,
        proof=proof,
        observation=StatusSeen(word="OK", looks="final"),
    )
    addressed = AddressedEvent(
        key=VerificationKey(account=account, reference=reference),
        path=path,
        event=event,
        repeats_until=at + timedelta(hours=1),
    )
    return Receipt(
        received_at=at,
        account=account,
        correlation="order-77",
        proof=proof,
        headers={"content-type": "application/json"},
        body=BODY,
        events=(addressed,),
    )


def refusal(at: datetime, reason: str) -> Refusal:
    return Refusal(at=at, account="id360", reason=reason, source=None, digest8="0a1b2c3d")


async def test_a_kept_receipt_is_read_back_equal(storage: Storage) -> None:
    inbox = Inbox(storage)

    name = await inbox.keep(receipt())

    assert re.fullmatch(r"inbox/pending/20251203T120000\.123456Z-[0-9a-f]{16}", name)
    assert await inbox.read(name) == receipt()


async def test_a_kept_receipt_is_plain_json_with_its_body_in_base64(storage: Storage) -> None:
    name = await Inbox(storage).keep(receipt())

    assert json.loads(await storage.read(name)) == {
        "received_at": "2025-12-03T12:00:00.123456Z",
        "account": "id360",
        "correlation": "order-77",
        "proof": "secret",
        "headers": {"content-type": "application/json"},
        "body": "_wB7ImlkIjogMX0=",
        "events": [
            {
                "key": {"account": "id360", "reference": "enrollment-1"},
                "path": "id360/enrollment-1",
                "event": receipt().events[0].event.model_dump(mode="json"),
                "repeats_until": "2025-12-03T13:00:00.123456Z",
            }
        ],
        "message": None,
        "cut_from": None,
        "encoding": None,
        "whole_digest": None,
    }


async def test_a_receipt_whose_text_is_forgotten_keeps_neither_body_nor_headers(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())

    await inbox.forget_text(name)

    bare = await inbox.read(name)
    assert (bare.body, bare.headers) == (b"", {})
    assert (bare.received_at, bare.account, bare.events) == (NOON, "id360", receipt().events)


async def test_the_body_of_a_receipt_is_found_though_a_later_release_wrote_other_events(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())
    stored = json.loads(await storage.read(name))
    stored["events"][0]["event"]["observation"] = {"kind": "of a later release"}
    await storage.put(name, json.dumps(stored).encode())

    assert await inbox.body(name) == BODY


async def test_one_callback_received_twice_is_kept_twice(storage: Storage) -> None:
    inbox = Inbox(storage)

    assert await inbox.keep(receipt()) != await inbox.keep(receipt())
    assert len(await inbox.pending(NOON + timedelta(hours=1), 10)) == 2


async def test_only_what_waits_longer_is_pending_oldest_first(storage: Storage) -> None:
    inbox = Inbox(storage)
    new = await inbox.keep(receipt(NOON))
    old = await inbox.keep(receipt(NOON - timedelta(seconds=7)))
    oldest = await inbox.keep(receipt(NOON - timedelta(days=40)))

    assert await inbox.pending(NOON, 10) == [oldest, old]
    assert await inbox.pending(NOON + timedelta(microseconds=1), 10) == [oldest, old, new]
    assert await inbox.pending(NOON, 1) == [oldest]
    assert await inbox.pending(NOON - timedelta(days=41), 10) == []


async def test_times_of_other_zones_are_ordered_by_the_instant(storage: Storage) -> None:
    inbox = Inbox(storage)
    paris = timezone(timedelta(hours=1))
    name = await inbox.keep(receipt(datetime(2025, 12, 3, 12, 30, tzinfo=paris)))

    assert name.startswith("inbox/pending/20251203T113000.000000Z-")
    assert await inbox.pending(NOON, 10) == [name]


async def test_a_receipt_of_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="received_at"):
        receipt(datetime(2025, 12, 3, 12, 0))  # noqa: DTZ001 (this is what is refused)


async def test_a_filed_receipt_lies_under_its_verification_and_is_no_longer_pending(
    storage: Storage,
) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())
    leaf = name.removeprefix("inbox/pending/")

    filed = await inbox.file_under(name, PLACE)

    assert filed == f"verifications/id360/enrollment-1/receipts/{leaf}"
    assert await storage.list("") == [filed]
    assert await inbox.read(filed) == receipt()


async def test_a_receipt_without_a_place_is_quarantined(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())

    filed = await inbox.file_under(name, None)

    assert filed == name.replace("/pending/", "/quarantined/")
    assert await storage.list("") == [filed]


async def test_quarantined_callbacks_are_listed_page_by_page_each_once(storage: Storage) -> None:
    inbox = Inbox(storage)
    ages = [timedelta(0), timedelta(minutes=1), timedelta(hours=5), timedelta(days=3), timedelta(days=90)]
    names = [await inbox.file_under(await inbox.keep(receipt(NOON - age)), None) for age in ages]
    pages: list[list[str]] = []
    before = None
    while len(pages) < 4:
        page = await inbox.quarantined(2, before=before)
        pages.append([each.name for each in page.callbacks])
        before = page.next_page
        if before is None:
            break

    leaves = [name.removeprefix("inbox/quarantined/") for name in names]
    assert pages == [leaves[:2], leaves[2:4], leaves[4:]]


async def test_pages_of_one_account_go_on_behind_the_callbacks_of_others_and_do_not_name_them(storage: Storage) -> None:
    inbox = Inbox(storage)
    places = [PLACE, *["beta/v-1"] * 3, PLACE, *["beta/v-1"] * 2]
    kept = [about(None, NOON - timedelta(minutes=age), path=place) for age, place in enumerate(places)]
    names = [await inbox.file_under(await inbox.keep(each), None) for each in kept]
    ours = [
        name.removeprefix("inbox/quarantined/") for name, place in zip(names, places, strict=True) if place == PLACE
    ]
    first, second, last = [
        await inbox.quarantined(1, before=before, may_see=lambda account: account == "id360")
        for before in (None, ours[0], ours[1])
    ]

    assert ([each.name for each in first.callbacks], first.next_page) == ([ours[0]], ours[0])
    assert ([each.name for each in second.callbacks], second.next_page) == ([ours[1]], ours[1])
    assert (last.callbacks, last.next_page) == ((), None)


async def test_names_that_are_none_of_ours_do_not_end_a_page(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.file_under(await inbox.keep(receipt()), None)
    await storage.put_new("inbox/quarantined/not-of-ours", b"{}")
    page = await inbox.quarantined(1)

    assert [each.name for each in page.callbacks] == [name.removeprefix("inbox/quarantined/")]
    assert page.next_page == page.callbacks[-1].name


async def test_quarantined_callbacks_are_listed_newest_first_with_a_reason_and_without_what_they_said(
    storage: Storage,
) -> None:
    inbox = Inbox(storage)
    nameless = receipt(NOON).model_copy(update={"events": ()})
    names = [await inbox.keep(nameless), await inbox.keep(receipt(NOON + timedelta(days=2)))]
    leaves = [(await inbox.file_under(name, None)).removeprefix("inbox/quarantined/") for name in names]
    await storage.put_new("inbox/quarantined/20251204T120000.000000Z-0", b"{}")
    await storage.put_new("inbox/quarantined/not-of-ours", b"{}")

    found = list((await inbox.quarantined(10)).callbacks)

    assert found == [
        Quarantined(
            at=NOON + timedelta(days=2),
            account="id360",
            proof="secret",
            reason="verification_not_known",
            name=leaves[1],
        ),
        Quarantined(
            at=datetime(2025, 12, 4, 12, 0, tzinfo=UTC),
            account=None,
            proof=None,
            reason="receipt_not_readable",
            name="20251204T120000.000000Z-0",
        ),
        Quarantined(at=NOON, account="id360", proof="secret", reason="names_no_verification", name=leaves[0]),
    ]


async def test_quarantined_callbacks_are_counted_up_to_a_bound(storage: Storage) -> None:
    inbox = Inbox(storage)
    assert await inbox.quarantined_at_least(2) == 0

    for _ in range(3):
        await inbox.file_under(await inbox.keep(receipt()), None)

    assert (await inbox.quarantined_at_least(2), await inbox.quarantined_at_least(9)) == (2, 3)


async def test_filing_twice_is_filing_once(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())

    assert await inbox.file_under(name, PLACE) == await inbox.file_under(name, PLACE)

    assert len(await storage.list("")) == 1


class EraseFails(FolderStorage):
    """Loses the connection whenever something is to be erased."""

    async def erase(self, name: str) -> None:
        raise StorageUnavailable(name, "erase failed")


async def test_filing_that_was_cut_short_is_completed_later(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("store")
    broken, sound = EraseFails(root), FolderStorage(root)
    name = await Inbox(broken).keep(receipt())

    with pytest.raises(StorageUnavailable):
        await Inbox(broken).file_under(name, PLACE)
    assert await Inbox(sound).pending(NOON + timedelta(hours=1), 10) == [name]
    filed = await Inbox(sound).file_under(name, PLACE)

    assert await sound.list("") == [filed]


class WriteFails(FolderStorage):
    """Refuses what is to be filed."""

    async def put_new(self, name: str, content: Content, *, media_type: str | None = None) -> Stored:
        if name.startswith("verifications/"):
            raise StorageUnavailable(name, "no space")
        return await super().put_new(name, content, media_type=media_type)


async def test_a_receipt_that_could_not_be_filed_stays_pending(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    inbox = Inbox(WriteFails(tmp_path_factory.mktemp("store")))
    name = await inbox.keep(receipt())

    with pytest.raises(StorageUnavailable):
        await inbox.file_under(name, PLACE)

    assert await inbox.read(name) == receipt()


async def test_reading_what_another_process_filed_is_distinguished(storage: Storage) -> None:
    inbox = Inbox(storage)
    name = await inbox.keep(receipt())
    await inbox.file_under(name, PLACE)

    with pytest.raises(NotStored):
        await inbox.read(name)


async def test_refusals_come_newest_first_whatever_their_age(storage: Storage) -> None:
    inbox = Inbox(storage)
    now = datetime.now(UTC)
    for age, reason in ((timedelta(days=400), "oldest"), (timedelta(0), "new"), (timedelta(hours=5), "old")):
        await inbox.refuse(refusal(now - age, reason))

    assert [kept.reason for kept in await inbox.refusals(10)] == ["new", "old", "oldest"]
    assert [kept.reason for kept in await inbox.refusals(2)] == ["new", "old"]
    assert (await inbox.refusals(1)) == [refusal(now, "new")]


async def test_no_refusals_is_an_empty_list(storage: Storage) -> None:
    await Inbox(storage).keep(receipt())

    assert await Inbox(storage).refusals(10) == []


async def seen(inbox: Inbox, mark: str, *, at: datetime = NOON, path: str = PLACE) -> bool:
    return await inbox.was_seen(path, mark, at=at, within=timedelta(hours=1))


async def test_an_event_is_seen_once_marked_only_at_its_place_and_only_for_its_time(storage: Storage) -> None:
    """By an object, where no receipt says so in its name."""
    inbox = Inbox(storage)
    assert not await seen(inbox, "mark-1")

    for until in (NOON, NOON + timedelta(days=1)):
        await inbox.mark_seen(PLACE, "mark-1", filed=f"verifications/{PLACE}/receipts/of-another-event", until=until)

    assert await seen(inbox, "mark-1")
    assert not await seen(inbox, "mark-1", at=NOON + timedelta(seconds=1))
    assert not await seen(inbox, "mark-2")
    assert not await seen(inbox, "mark-1", path="id360/enrollment-2")
    assert await storage.list("") == ["verifications/id360/enrollment-1/seen/mark-1"]


async def test_the_name_of_a_filed_receipt_says_that_its_event_was_dispatched(storage: Storage) -> None:
    inbox, mark = Inbox(storage), MARK
    name = await inbox.keep(about(mark))
    assert not await seen(inbox, mark)

    filed = await inbox.file_under(name, PLACE)
    await inbox.mark_seen(PLACE, mark, filed=filed, until=NOON + timedelta(days=9))

    assert await seen(inbox, mark, at=NOON + timedelta(hours=1))
    assert not await seen(inbox, mark, at=NOON + timedelta(hours=1, seconds=1))
    assert not await seen(inbox, "f" * 26)
    assert not await seen(inbox, mark, path="id360/enrollment-2")
    assert await storage.list("") == [filed]


async def test_what_another_process_will_file_is_seen_before_it_has_done_so(storage: Storage) -> None:
    takes_callbacks = Inbox(storage, opens_receipts=False)
    filed = await takes_callbacks.file_under(await takes_callbacks.keep(about(MARK)), PLACE)

    await takes_callbacks.mark_seen(PLACE, MARK, filed=filed, until=NOON + timedelta(hours=1))

    assert await seen(takes_callbacks, MARK, at=NOON + timedelta(hours=1))
    assert not await seen(takes_callbacks, MARK, at=NOON + timedelta(hours=1, seconds=1))


async def test_the_first_of_several_deliveries_says_until_when_an_event_is_repeated(storage: Storage) -> None:
    inbox, mark = Inbox(storage), MARK
    for hour in (2, 0, 1):
        await inbox.file_under(await inbox.keep(about(mark, NOON + timedelta(hours=hour))), PLACE)

    assert await seen(inbox, mark, at=NOON + timedelta(hours=1))
    assert not await seen(inbox, mark, at=NOON + timedelta(hours=2))


async def test_what_anybody_could_have_sent_leaves_no_mark(storage: Storage) -> None:
    inbox, mark = Inbox(storage), MARK

    await inbox.file_under(await inbox.keep(about(mark, proof=Proof.STALE)), PLACE)

    assert not await seen(inbox, mark)


async def test_who_has_a_receipt_at_hand_files_it_without_reading_it(storage: Storage) -> None:
    inbox, kept = Inbox(storage), about(MARK)
    name = await inbox.keep(kept)
    await storage.put(name, b"not read")

    filed = await inbox.file_under(name, PLACE, kept)

    assert await inbox.read(filed) == kept
    assert await storage.list("") == [filed]


async def test_a_collision_of_names_is_not_passed_over_in_silence(storage: Storage) -> None:
    name = await Inbox(storage).keep(receipt())

    with pytest.raises(AlreadyStored):
        await storage.put_new(name, b"another's")


async def test_a_receipt_that_cannot_be_read_says_nothing_and_hinders_nobody(storage: Storage) -> None:
    name = f"verifications/{PLACE}/receipts/spoiled"
    await storage.put_new(name, b'{"half of')

    assert await Inbox(storage).body(name) is None
