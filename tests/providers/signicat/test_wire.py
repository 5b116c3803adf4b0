"""What callbacks of both generations say."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.providers.any_json import JSON
from tests.providers.signicat.samples import DOSSIER, PROCESS, REFERENCE, event, triple
from vigil.domain.callback_event import StatusSeen, Unreadable
from vigil.providers.contract import Callback
from vigil.providers.signicat.wire import generation_of, read_event, read_legacy, split_reference


def legacy(body: object) -> Callback:
    return read_legacy(json.dumps(body).encode())


def events(body: object) -> Callback:
    return read_event(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ("accepted", StatusSeen(word="accepted", looks="final")),
        ("rejected", StatusSeen(word="rejected", looks="final")),
        ("inconclusive", StatusSeen(word="inconclusive", looks="final")),
        ("canceled", StatusSeen(word="canceled", looks="final", ended="canceled")),  # type: ignore[arg-type]
        ("failed", StatusSeen(word="failed", looks="final", ended="failed")),  # type: ignore[arg-type]
        ("pending", StatusSeen(word="pending", looks="open")),
        ("processing", StatusSeen(word="processing", looks="open")),
        ("not_matched", StatusSeen(word="not_matched", looks="unrecognised")),
        ("in free text", StatusSeen(word=None, looks="unrecognised")),
    ],
)
def test_both_generations_name_a_status(status: str, seen: StatusSeen) -> None:
    for callback in (legacy(triple(status=status)), events(event(triple(status=status)))):
        assert (callback.reference, callback.observation) == (REFERENCE, seen)
        assert not callback.intermediate


def test_a_legacy_callback_is_known_by_its_three_words() -> None:
    callback = legacy(triple(traceId="t-1"))

    assert callback.identity == f'["{DOSSIER}","{PROCESS}","accepted"]'
    assert (callback.sender, callback.coordinates) == (None, {})
    assert callback.unknown_fields == ("traceId",)
    assert legacy(triple(status="rejected")).identity != callback.identity


def test_an_event_is_known_by_its_id() -> None:
    callback = events(event(triple(externalReference="vrf-0001", verdict="x"), attempt=2))

    assert callback.identity == "1c0ffee0a1b24c3d8e9f001122334455"
    assert callback.sender == "events"
    assert callback.unknown_fields == ("attempt", "eventData.verdict")


@pytest.mark.parametrize("odd", [None, 7, "", "x" * 201])
def test_an_event_without_an_id_has_no_identity(odd: object) -> None:
    assert events(event(id=odd)).identity is None


@pytest.mark.parametrize(
    ("data", "reference", "observation"),
    [
        ({"dossierId": DOSSIER, "processId": PROCESS}, REFERENCE, StatusSeen(looks="final")),
        ({"dossierId": DOSSIER, "processId": PROCESS, "status": 7}, REFERENCE, StatusSeen(looks="final")),
        ({"externalReference": "vrf-0001"}, None, Unreadable(why="wrong_shape")),
        ({"dossierId": DOSSIER, "processId": "a b", "status": "accepted"}, None, Unreadable(why="wrong_shape")),
        ("accepted", None, Unreadable(why="wrong_shape")),
        ([], None, Unreadable(why="wrong_shape")),
    ],
)
def test_an_end_is_reported_by_the_name_of_the_event(data: Any, reference: str | None, observation: object) -> None:
    callback = events(event(data))

    assert (callback.reference, callback.observation) == (reference, observation)


def test_an_event_of_another_name_wakes_its_process() -> None:
    callback = events(event(eventName="webid.zip.ready"))

    assert (callback.reference, callback.observation) == (REFERENCE, Unreadable(why="unknown_type"))
    assert not callback.intermediate


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "accepted",
        None,
        triple(status=None),
        triple(status=7),
        triple(dossierId=None),
        triple(dossierId="../.."),
        triple(processId="a:b"),
        triple(processId=PROCESS + " x"),
        triple(processId="x" * 65),
        {"processId": PROCESS, "status": "accepted"},
    ],
)
def test_a_legacy_callback_of_another_shape_is_unreadable(body: object) -> None:
    assert legacy(body).observation == Unreadable(why="wrong_shape")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not_json"),
        (b'{"dossierId": ', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"status": "a", "status": "b"}', "wrong_shape"),
        (b"[" * 5000 + b"]" * 5000, "too_deep"),
    ],
)
def test_a_body_that_is_no_json_is_unreadable(body: bytes, why: str) -> None:
    assert read_legacy(body) == Callback(reference=None, observation=Unreadable(why=why))  # type: ignore[arg-type]
    assert read_event(body).observation == Unreadable(why=why)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "both", "only_legacy", "only_events"),
    [
        (json.dumps(event()).encode(), "events", "events", "events"),
        (json.dumps(triple()).encode(), "legacy", "legacy", "events"),
        (b'{"eventName": null}', "events", "events", "events"),
        (b'["eventName"]', "legacy", "legacy", "events"),
        (b"not JSON", "legacy", "legacy", "events"),
    ],
)
def test_an_envelope_separates_the_generations(body: bytes, both: str, only_legacy: str, only_events: str) -> None:
    assert generation_of(body, ("legacy", "events")) == both
    assert generation_of(body, ("legacy",)) == only_legacy
    assert generation_of(body, ("events",)) == only_events


@pytest.mark.parametrize("reference", ["", ":", "a:", ":b", "a", "a:b:c", "a/b:c", "..:..", "a:b c", "é:b"])
def test_only_two_ids_make_a_reference(reference: str) -> None:
    assert split_reference(reference) is None


def test_a_reference_is_taken_apart_as_it_was_put_together() -> None:
    assert split_reference(REFERENCE) == (DOSSIER, PROCESS)


@given(body=JSON)
def test_no_body_is_too_odd_to_be_read(body: object) -> None:
    for read in (legacy, events):
        assert isinstance(read(body).observation, Unreadable)


@given(data=JSON, identity=JSON, status=JSON)
def test_no_event_is_too_odd_to_be_read(data: object, identity: object, status: object) -> None:
    assert events(event(data, id=identity)).sender == "events"
    assert legacy(triple(status=status)).reference == REFERENCE
