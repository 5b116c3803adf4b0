"""One signature proves one body of one verification, whoever asks, and however often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.app import build_app
from api.callbacks.endpoint import CallbackEndpoint
from tests.api.fakes import DIGESTER, Desk
from tests.api.test_verifications import dependencies_of
from tests.sealed import connect
from tests.world import World
from vigil.domain.terms import Proof
from vigil.providers.contract import CallbackRequest, GenuineRequest, Signature
from vigil.storage.inbox import Retention

NOW = datetime(2026, 10, 1, 9, 0, 4, tzinfo=UTC)


def signed(body: bytes, *, names: str = "job_1", text: str = "a time and its signature") -> GenuineRequest:
    request = CallbackRequest("acme", None, {}, body, received_at=NOW)
    return GenuineRequest(request, Proof.UNBOUND, kept_body=body, signature=Signature(text, NOW, names))


async def proof_of(desk: Desk, genuine: GenuineRequest) -> Proof:
    return (await desk.services.signatures.bind(genuine)).proof


def unbound_bodies(desk: Desk) -> float | None:
    return desk.metrics.registry.get_sample_value("vigil_callbacks_unbound_bodies_total", {"account": "acme"})


async def test_a_second_body_or_another_verification_under_one_signature_is_stale(desk: Desk) -> None:
    first = await proof_of(desk, signed(b"first"))
    others = [
        await proof_of(desk, signed(b"second")),
        await proof_of(desk, signed(b"first", names="job_2")),
        await proof_of(desk, replace(signed(b"second"), request=replace(signed(b"second").request, account="other"))),
    ]

    assert (first, others) == (Proof.UNBOUND, [Proof.STALE] * 3)
    assert unbound_bodies(desk) == 2


async def test_the_same_body_again_is_a_repetition_and_stays_fresh(desk: Desk) -> None:
    assert [await proof_of(desk, signed(b"first")) for _ in range(3)] == [Proof.UNBOUND] * 3
    assert await proof_of(desk, signed(b"second", text="another time")) is Proof.UNBOUND
    assert unbound_bodies(desk) is None


async def test_of_two_bodies_that_come_to_two_processes_at_once_one_is_stale(tmp_path: Path) -> None:
    desks = [Desk(tmp_path) for _ in range(2)]
    for number in range(20):
        pair = [signed(body, text=f"time {number}") for body in (b"one", b"two")]
        found = await asyncio.gather(*(proof_of(desk, each) for desk, each in zip(desks, pair, strict=True)))
        assert sorted(found) == [Proof.STALE, Proof.UNBOUND]


async def test_without_an_answer_of_the_storage_a_signature_counts_as_used(desk: Desk) -> None:
    desk.storage.down = True
    during = await proof_of(desk, signed(b"first"))
    desk.storage.down = False

    assert (during, await proof_of(desk, signed(b"first"))) == (Proof.STALE, Proof.UNBOUND)


async def test_a_signature_that_came_while_the_storage_was_away_is_not_good_for_another_body_afterwards(
    desk: Desk,
) -> None:
    desk.storage.down = True
    await proof_of(desk, signed(b"genuine"))
    desk.storage.down = False

    assert await proof_of(desk, signed(b"of somebody who saw the signature")) is Proof.STALE
    assert await proof_of(desk, signed(b"genuine")) is Proof.UNBOUND


@asynccontextmanager
async def marking(desk: Desk) -> AsyncIterator[None]:
    """As in a process that takes callbacks."""
    task = asyncio.create_task(desk.services.signatures.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def marks(desk: Desk, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await desk.storage.list("inbox/signatures")) < count:
            await asyncio.sleep(0.01)


async def test_its_mark_is_stored_for_all_processes_once_the_storage_answers(tmp_path: Path) -> None:
    """Nothing else comes to the process that had the signature."""
    desk, another = Desk(tmp_path), Desk(tmp_path)
    async with marking(desk):
        desk.storage.down = True
        await proof_of(desk, signed(b"genuine"))
        desk.storage.down = False
        await marks(another, 1)

    assert await proof_of(another, signed(b"of somebody who saw the signature")) is Proof.STALE
    assert await proof_of(another, signed(b"genuine")) is Proof.UNBOUND


async def test_a_process_that_is_stopped_stores_its_marks_before(tmp_path: Path) -> None:
    desk, another = Desk(tmp_path), Desk(tmp_path)
    async with marking(desk):
        desk.storage.down = True
        await proof_of(desk, signed(b"genuine"))
        desk.storage.down = False

    assert await proof_of(another, signed(b"of somebody who saw the signature")) is Proof.STALE


async def test_a_mark_that_cannot_be_read_holds_up_no_other(desk: Desk) -> None:
    spoiled = DIGESTER.digest("signature", "spoiled")
    await desk.storage.put(f"inbox/signatures/20261001T090004.000000Z-{spoiled}", b"\xff")
    desk.storage.down = True
    for text in ("spoiled", "another time"):
        await proof_of(desk, signed(b"genuine", text=text))
    desk.storage.down = False
    async with marking(desk):
        await marks(desk, 2)


async def test_an_application_that_takes_callbacks_stores_marks(temporal_address: str, tmp_path: Path) -> None:
    world = World(await connect(temporal_address, "default"), tmp_path)
    app = build_app(dependencies_of(world))
    layers: list[Any] = [*app.user_middleware]
    [services] = [layer.kwargs["services"] for layer in layers if layer.cls is CallbackEndpoint]
    world.storage.fail_next("inbox/signatures", times=1)
    async with app.router.lifespan_context(app):
        assert (await services.signatures.bind(signed(b"genuine"))).proof is Proof.STALE
        async with asyncio.timeout(20):
            while not await world.storage.list("inbox/signatures"):
                await asyncio.sleep(0.01)


async def test_a_mark_shows_neither_signature_nor_body(desk: Desk) -> None:
    await proof_of(desk, signed(b"first"))
    [name] = await desk.storage.list("inbox/signatures")

    assert name.startswith("inbox/signatures/20261001T090004.000000Z-")
    assert len(await desk.storage.read(name)) == 26


async def test_a_mark_is_erased_an_hour_after_its_time(desk: Desk) -> None:
    await proof_of(desk, signed(b"first"))
    left = []
    for minutes in (60, 61):
        await desk.inbox.erase_outdated(Retention(), NOW + timedelta(minutes=minutes))
        left.append(len(await desk.storage.list("inbox/signatures")))

    assert left == [1, 0]


@pytest.mark.parametrize("proof", [Proof.SECRET, Proof.SIGNED_BODY, Proof.STALE, Proof.NONE])
async def test_only_a_fresh_signature_without_a_body_leaves_a_mark(desk: Desk, proof: Proof) -> None:
    assert await proof_of(desk, replace(signed(b"first"), proof=proof)) is proof
    assert await desk.storage.list("inbox/signatures") == []
