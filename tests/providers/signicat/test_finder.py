"""Finding processes by their dossier, and by when they were created."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.signicat.fake_signicat import FakeSignicat
from tests.providers.signicat.samples import DOSSIER
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.providers.contract import FoundVerification
from vigil.providers.signicat.finder import COORDINATES, SignicatFinder

SINCE = datetime(2031, 3, 4, 10, 0, 0, 500_000, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)
BY_DOSSIER = {"dossier_id": DOSSIER}


def entry(process_id: object = "p1", *, at: object = "2031-03-04T10:30:00Z", **more: Any) -> dict[str, Any]:
    return {"processId": process_id, "provider": "readid", "status": "pending", "createdAt": at} | more


def page(offset: int, total: int | None, *entries: Any) -> tuple[str, Answer]:
    window = "startCreationDate=2031-03-04T10%3A00%3A00Z&endCreationDate=2031-03-04T11%3A00%3A01Z"
    body: dict[str, Any] = {"processes": list(entries), "filters": {}}
    return f"/processes?{window}&offset={offset}&limit=500", json_response(
        body if total is None else body | {"totalResults": total}
    )


async def list_references(finder: SignicatFinder) -> list[str]:
    return [found.reference async for found in finder.list_created(since=SINCE, until=UNTIL)]


async def test_a_dossier_leads_to_its_processes_the_newest_first(
    signicat: FakeSignicat, finder: SignicatFinder
) -> None:
    signicat.held[f"/dossiers/{DOSSIER}"] = json_response(
        {
            "dossierId": DOSSIER,
            "processes": [
                entry("p1", at="2031-03-04T10:30:00Z"),
                entry("p3", at="2031-03-04T12:30:00+01:00"),
                entry("p4", at=None, provider=None),
                entry("p2", at="2031-03-04T10:30:00Z"),
                entry("../p5"),
                entry(None),
                "p6",
            ],
        }
    )

    found = await finder.find(BY_DOSSIER)

    assert [each.reference for each in found] == [f"{DOSSIER}:{process}" for process in ("p3", "p2", "p1", "p4")]
    assert found[0] == FoundVerification(f"{DOSSIER}:p3", datetime(2031, 3, 4, 11, 30, tzinfo=UTC))
    assert signicat.asked[1:] == [f"GET /assure/dossiers/{DOSSIER}"]


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ("2031-03-04T10:30:01Z", ["p2"]),
        ("2031-03-04T10:30:00.700Z", ["p2", "p1"]),
        ("2031-03-04T13:00:00+01:00", []),
    ],
)
async def test_an_earlier_attempt_in_the_same_dossier_is_not_taken_for_the_one_that_is_meant(
    signicat: FakeSignicat, finder: SignicatFinder, after: str, left: list[str]
) -> None:
    held = [entry("p1", at="2031-03-04T10:30:00Z"), entry("p2", at="2031-03-04T11:30:00Z")]
    signicat.held[f"/dossiers/{DOSSIER}"] = json_response({"dossierId": DOSSIER, "processes": held})

    found = await finder.find(BY_DOSSIER | {"created_after": after})

    assert [each.reference for each in found] == [f"{DOSSIER}:{process}" for process in left]


@pytest.mark.parametrize("after", ["2031-02-30T10:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_day_that_never_was_leads_to_no_process_of_an_earlier_attempt(
    signicat: FakeSignicat, finder: SignicatFinder, after: str
) -> None:
    signicat.held[f"/dossiers/{DOSSIER}"] = json_response({"dossierId": DOSSIER, "processes": [entry("p1")]})

    with pytest.raises(ReferenceUnknown, match="not_an_instant"):
        await finder.find(BY_DOSSIER | {"created_after": after})


@pytest.mark.parametrize(
    ("after", "fits"),
    [
        ("2031-03-04T10:30:01Z", True),
        ("2031-12-31T23:59:59.123456789+14:00", True),
        ("2031-13-45T99:99:99Z", False),
        ("2031-03-04T10:30:60Z", False),
        ("2031-03-04T10:30:01+99:99", False),
        ("\u0662\u0660\u0663\u0661-03-04T10:30:01Z", False),
    ],
)
def test_what_is_no_instant_is_refused_before_anybody_is_asked(after: str, *, fits: bool) -> None:
    pattern = next(each.pattern for each in COORDINATES if each.name == "created_after")

    assert (re.fullmatch(pattern, after) is not None) is fits


async def test_a_dossier_without_a_process_leads_to_nothing_yet(signicat: FakeSignicat, finder: SignicatFinder) -> None:
    signicat.held[f"/dossiers/{DOSSIER}"] = json_response({"dossierId": DOSSIER, "processes": []})

    assert await finder.find(BY_DOSSIER) == []


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Response(404), ReferenceUnknown, "http_404"),
        (Response(403), ProviderRefusesUs, "http_403"),
        (Response(500), ProviderUnavailable, "http_500"),
        (Response(200, b"<html>"), ProviderUnavailable, "not_json"),
        (json_response({}), ProviderUnavailable, "wrong_shape"),
        (json_response([]), ProviderUnavailable, "wrong_shape"),
        (json_response({"processes": {"p1": {}}}), ProviderUnavailable, "wrong_shape"),
    ],
)
async def test_what_is_no_list_is_never_nothing(
    signicat: FakeSignicat, finder: SignicatFinder, answer: Answer, kind: type[ProviderError], code: str
) -> None:
    signicat.will_answer(f"/assure/dossiers/{DOSSIER}", answer)
    signicat.will_answer("/assure/processes", answer)

    with pytest.raises(kind, match=f"^{code}$"):
        await finder.find(BY_DOSSIER)
    with pytest.raises(kind, match=f"^{code}$"):
        await list_references(finder)


@pytest.mark.parametrize("dossier", ["", "..", "all/..", "a?b", "a\nb"])
async def test_what_is_no_dossier_is_not_asked_for(
    signicat: FakeSignicat, finder: SignicatFinder, dossier: str
) -> None:
    with pytest.raises(ReferenceUnknown, match=r"^not_a_dossier$"):
        await finder.find({"dossier_id": dossier})

    assert signicat.asked == []


async def test_a_listing_is_paged_to_its_end(signicat: FakeSignicat, finder: SignicatFinder) -> None:
    first = [entry(f"p{n}", dossier={"dossierId": DOSSIER}) for n in range(500)]
    second = [entry(f"p{n}", dossier=DOSSIER) for n in range(500, 502)]
    signicat.held.update([page(0, 502, *first), page(500, 502, *second)])

    assert await list_references(finder) == [f"{DOSSIER}:p{n}" for n in range(502)]
    assert len(signicat.asked) == 3


async def test_what_moves_up_a_page_when_others_are_deleted_is_not_passed_over(
    signicat: FakeSignicat, finder: SignicatFinder
) -> None:
    entries = [entry(f"p{n}", dossier=DOSSIER) for n in range(1003)]
    left = entries[2:]
    signicat.held.update(
        [page(0, 1003, *entries[:500]), page(500, 1001, *left[500:1000]), page(498, 1001, *left[498:998])]
    )
    signicat.held.update([page(998, 1001, *left[998:])])

    assert set(await list_references(finder)) == {f"{DOSSIER}:p{n}" for n in range(1003)}


async def test_a_listing_without_a_total_ends_with_an_empty_page(
    signicat: FakeSignicat, finder: SignicatFinder
) -> None:
    signicat.held.update([page(0, None, entry(dossier=DOSSIER)), page(1, None)])

    assert await list_references(finder) == [f"{DOSSIER}:p1"]


async def test_a_total_that_never_comes_does_not_keep_us_asking(signicat: FakeSignicat, finder: SignicatFinder) -> None:
    signicat.held.update([page(0, 900, entry(dossier=DOSSIER)), page(1, 900)])

    assert await list_references(finder) == [f"{DOSSIER}:p1"]


async def test_a_window_beyond_the_last_offset_is_not_taken_for_whole(
    signicat: FakeSignicat, finder: SignicatFinder
) -> None:
    endless = json_response({"processes": [{}] * 100_001, "totalResults": 300_000})
    signicat.will_answer("/assure/processes", endless, endless)

    with pytest.raises(ProviderUnavailable, match=r"^too_many_processes$"):
        await list_references(finder)


async def test_a_listing_holds_what_lies_in_the_window_and_has_ids(
    signicat: FakeSignicat, finder: SignicatFinder
) -> None:
    entries = [
        entry("before", at="2031-03-04T09:59:59Z", dossier=DOSSIER),
        entry("first", at="2031-03-04T10:00:00Z", dossier=DOSSIER),
        entry("last", at="2031-03-04T11:00:00Z", dossier=DOSSIER),
        entry("after", at="2031-03-04T11:00:00.5Z", dossier=DOSSIER),
        entry("undated", at=None, dossier=DOSSIER),
        entry("no-dossier"),
        entry("odd-dossier", dossier={"id": DOSSIER}),
        entry("odd-dossier", dossier=[DOSSIER]),
        entry(None, dossier=DOSSIER),
    ]
    signicat.held.update([page(0, len(entries), *entries)])

    assert await list_references(finder) == [f"{DOSSIER}:first", f"{DOSSIER}:last", f"{DOSSIER}:undated"]


def test_a_dossier_is_a_coordinate_that_need_not_be_given() -> None:
    assert [(each.name, each.is_required) for each in COORDINATES] == [
        ("dossier_id", False),
        ("created_after", False),
    ]
    assert SignicatFinder.by == ("dossier_id",)
