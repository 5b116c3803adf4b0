"""What every store promises, asked of each."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from vigil.storage.contract import AlreadyStored, NotStored, Storage, Stored, names_under, storage_name

MEBIBYTE = 1024 * 1024


class LineCut(Exception):
    """The sender of a stream went away."""


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def cut_stream(chunk: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield chunk
    raise LineCut


async def test_what_was_put_is_read_back_with_its_size(storage: Storage) -> None:
    assert await storage.put_new("a/one", b"\x00first") == Stored("a/one", 6)
    assert await storage.read("a/one") == b"\x00first"
    assert await storage.size("a/one") == 6


async def test_an_empty_content_is_stored(storage: Storage) -> None:
    await storage.put_new("a/empty", b"")

    assert await storage.read("a/empty") == b""
    assert [chunk async for chunk in storage.open("a/empty")] == []
    assert await storage.list("a") == ["a/empty"]


async def test_a_stream_is_stored_whole(storage: Storage) -> None:
    stored = await storage.put_new("a/stream", stream(b"one", b"", b"two"), media_type="text/plain")

    assert stored == Stored("a/stream", 6)
    assert await storage.read("a/stream") == b"onetwo"


async def test_a_long_stream_comes_back_in_several_chunks(storage: Storage) -> None:
    parts = [bytes([number]) * MEBIBYTE for number in range(18)]

    stored = await storage.put_new("a/film", stream(*parts), media_type="video/mp4")

    chunks = [chunk async for chunk in storage.open("a/film")]
    assert stored.size == await storage.size("a/film") == 18_874_368
    assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(b"".join(parts)).digest()
    assert len(chunks) > 2
    assert await storage.list("") == ["a/film"]


@pytest.mark.parametrize("mebibytes", [1, 10])
async def test_put_new_leaves_what_is_there(storage: Storage, mebibytes: int) -> None:
    await storage.put_new("a/one", b"first")

    with pytest.raises(AlreadyStored):
        await storage.put_new("a/one", b"second")
    with pytest.raises(AlreadyStored):
        await storage.put_new("a/one", stream(*[b"x" * MEBIBYTE] * mebibytes))

    assert await storage.read("a/one") == b"first"
    assert await storage.list("") == ["a/one"]


@pytest.mark.parametrize("mebibytes", [1, 10])
async def test_put_replaces_what_is_there(storage: Storage, mebibytes: int) -> None:
    await storage.put("a/one", b"first")
    assert await storage.put("a/one", b"second") == Stored("a/one", 6)
    assert await storage.read("a/one") == b"second"

    await storage.put("a/one", stream(*[b"x" * MEBIBYTE] * mebibytes))

    assert await storage.size("a/one") == mebibytes * MEBIBYTE


async def test_of_twenty_writers_of_one_name_exactly_one_succeeds(storage: Storage) -> None:
    contents = [f"writer {number}".encode() * 300 for number in range(20)]

    results = await asyncio.gather(*(storage.put_new("a/one", content) for content in contents), return_exceptions=True)

    winners = [number for number, result in enumerate(results) if isinstance(result, Stored)]
    assert len(winners) == 1
    assert sum(isinstance(result, AlreadyStored) for result in results) == 19
    assert await storage.read("a/one") == contents[winners[0]]


@pytest.mark.parametrize("mebibytes", [1, 10])
async def test_a_stream_that_breaks_leaves_nothing_behind(storage: Storage, mebibytes: int) -> None:
    with pytest.raises(LineCut):
        await storage.put_new("a/one", cut_stream(b"x" * MEBIBYTE, mebibytes))

    with pytest.raises(NotStored):
        await storage.read("a/one")
    assert await storage.list("") == []


@pytest.mark.parametrize("mebibytes", [1, 10])
async def test_a_stream_that_breaks_replaces_nothing(storage: Storage, mebibytes: int) -> None:
    await storage.put("a/one", b"first")

    with pytest.raises(LineCut):
        await storage.put("a/one", cut_stream(b"x" * MEBIBYTE, mebibytes))

    assert await storage.read("a/one") == b"first"


async def test_a_name_shows_nothing_while_its_stream_is_being_written(storage: Storage) -> None:
    half_way, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first half"
        half_way.set()
        await go_on.wait()
        yield b", second half"

    writing = asyncio.create_task(storage.put_new("a/one", slow()))
    await half_way.wait()
    assert await storage.list("") == []
    with pytest.raises(NotStored):
        await storage.size("a/one")
    go_on.set()
    await writing

    assert await storage.read("a/one") == b"first half, second half"


async def test_a_canceled_stream_leaves_nothing_behind(storage: Storage) -> None:
    started_because = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            started_because.set()
            await asyncio.sleep(0.001)

    writing = asyncio.create_task(storage.put_new("a/one", endless()))
    await started_because.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await storage.list("") == []


@pytest.mark.parametrize("name", ["a/missing", "a", "a/one/below"])
async def test_a_name_that_is_not_there_is_distinguished(storage: Storage, name: str) -> None:
    await storage.put_new("a/one", b"first")

    with pytest.raises(NotStored):
        await storage.read(name)
    with pytest.raises(NotStored):
        await storage.size(name)
    with pytest.raises(NotStored):
        await anext(storage.open(name))
    assert await storage.read("a/one") == b"first"


async def test_erasing_may_be_repeated(storage: Storage) -> None:
    await storage.put_new("a/one", b"first")
    await storage.put_new("a/two", b"second")

    await storage.erase("a/one")
    await storage.erase("a/one")
    await storage.erase("never/was")

    assert await storage.list("") == ["a/two"]
    await storage.put_new("a/one", b"again")
    assert await storage.read("a/one") == b"again"


@pytest.mark.parametrize(
    "reference",
    [
        "..",
        ".",
        ".hidden",
        "../../etc/passwd",
        "a/b",
        "a//b",
        "a%2Fb",
        "a b+c?d#e&f\\g",
        "~",
        "new\nline\x00",
        "Ünïcødé 验证",
        "x" * 1000,
        "é" * 1000,
    ],
    ids=range(13),
)
async def test_any_reference_names_its_own_content(storage: Storage, reference: str) -> None:
    name = storage_name("verifications", "account", reference, "results")

    await storage.put_new(f"{name}/one", reference.encode())

    assert await storage.read(f"{name}/one") == reference.encode()
    assert await storage.list(name) == [f"{name}/one"]
    assert await storage.list("verifications/account") == [f"{name}/one"]


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".tmp/a", "a b", "é", "a%2fb", "x" * 256]
)
async def test_a_name_made_by_hand_is_refused_when_unsafe(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="storage_name"):
        await storage.put_new(name, b"")
    with pytest.raises(ValueError, match="storage_name"):
        await storage.put(name, b"")
    with pytest.raises(ValueError, match="storage_name"):
        await storage.read(name)
    with pytest.raises(ValueError, match="storage_name"):
        await storage.erase(name)
    with pytest.raises(ValueError, match="storage_name"):
        await storage.size(name)
    with pytest.raises(ValueError, match="storage_name"):
        await anext(storage.open(name))


async def test_a_prefix_matches_whole_segments_only(storage: Storage) -> None:
    for name in ("inbox/pending/1", "inbox/pending/2/3", "inbox/pending-old/4", "inbox/5"):
        await storage.put_new(name, b"")

    assert await storage.list("inbox/pending/") == ["inbox/pending/1", "inbox/pending/2/3"]
    assert await storage.list("inbox/pending") == ["inbox/pending/1", "inbox/pending/2/3"]
    assert await storage.list("inbox/pend") == []
    assert await storage.list("inbox/5") == []


async def test_names_come_in_byte_order_across_folders(storage: Storage) -> None:
    for name in ("b/1", "a/x/1", "a-b/1", "a.b/1", "a0/1", "A/1", "a%20b/1", "a/x-y", "a/w"):
        await storage.put_new(name, b"")

    assert await storage.list("") == [
        "A/1",
        "a%20b/1",
        "a-b/1",
        "a.b/1",
        "a/w",
        "a/x-y",
        "a/x/1",
        "a0/1",
        "b/1",
    ]


async def test_pages_follow_each_other_without_gap_or_overlap(storage: Storage) -> None:
    for number in range(7):
        await storage.put_new(f"a/{number // 3}/{number}", b"")

    assert await storage.list("a", limit=3) == ["a/0/0", "a/0/1", "a/0/2"]
    assert await storage.list("a", after="a/0/2", limit=3) == ["a/1/3", "a/1/4", "a/1/5"]
    assert await storage.list("a", after="a/1/5", limit=3) == ["a/2/6"]
    assert await storage.list("a", after="a/2/6", limit=3) == []
    assert await storage.list("a", after="a/0/1-not-there", limit=1) == ["a/0/2"]


# Sealing keeps names as they are, and a thousand of them take the server a while: it is tried on one store.
@pytest.mark.parametrize("storage", ["folder", "s3", "sealed folder"], indirect=True)
async def test_more_names_than_a_page_holds_are_all_given(storage: Storage) -> None:
    expected = [f"a/{number:04}" for number in range(1003)]
    for start in range(0, 1003, 50):
        await asyncio.gather(*(storage.put_new(name, b"") for name in expected[start : start + 50]))

    assert [name async for name in names_under(storage, "a")] == expected


def test_different_texts_make_different_names() -> None:
    texts = ["a", "A", "a.", ".a", "..", ".", "%2E", "a~", "~", "x" * 200, "x" * 201, "x" * 300, "é", "e"]

    assert len({storage_name(text) for text in texts}) == 14


def test_a_shortened_segment_cannot_be_forged_by_a_short_one() -> None:
    shortened = storage_name("x" * 300)

    assert len(shortened) == 165
    assert storage_name(shortened) != shortened


def test_a_segment_is_never_empty() -> None:
    with pytest.raises(ValueError, match="empty"):
        storage_name("a", "", "b")
