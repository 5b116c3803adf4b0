"""What a backend tells us."""

from datetime import datetime

import pytest

from tests.domain.samples import DIGESTER, HOUR_LATER, T0, registration
from vigil.domain.digest import Digester
from vigil.domain.terms import EvidenceKind, SessionKind

FULL = {
    "correlation": "order-4711",
    "coordinates": {"user_id": "u-99", "job_type": "1"},
    "sender": "invented",
    "session_kind": SessionKind.PERSON,
    "expects": (EvidenceKind.SELFIE,),
    "evidence": (EvidenceKind.SELFIE,),
    "applicant": "applicant-7",
    "deadline_at": T0,
    "review_deadline_at": T0,
    "notify": ("orders",),
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("correlation", "order-4712"),
        ("coordinates", {"user_id": "u-98", "job_type": "1"}),
        ("coordinates", {}),
        ("sender", "another"),
        ("session_kind", SessionKind.BUSINESS),
        ("expects", ()),
        ("evidence", "all"),
        ("applicant", None),
        ("deadline_at", HOUR_LATER),
        ("review_deadline_at", HOUR_LATER),
        ("notify", ("orders", "audit")),
    ],
)
def test_a_registration_that_differs_names_exactly_the_field(field: str, value: object) -> None:
    known = registration(**FULL).fingerprint
    assert registration(**FULL | {field: value}).differs_from(known) == (field,)


def test_when_and_by_whom_it_was_registered_makes_no_difference() -> None:
    known = registration(**FULL).fingerprint
    again = registration(**FULL, registered_at=HOUR_LATER, registered_by="another")
    assert again.differs_from(known) == ()


def test_the_order_of_coordinates_and_the_zone_of_an_instant_make_no_difference() -> None:
    other = {
        "coordinates": {"job_type": "1", "user_id": "u-99"},
        "deadline_at": datetime.fromisoformat("2031-03-04T10:00:00+01:00"),
    }
    assert registration(**FULL | other).differs_from(registration(**FULL).fingerprint) == ()


def test_a_fingerprint_holds_no_value() -> None:
    marks = " ".join(registration(**FULL).fingerprint.values())
    for value in ("4711", "u-99", "invented", "selfie", "applicant", "orders", "2031"):
        assert value not in marks


def test_a_fingerprint_depends_on_the_installations_key() -> None:
    ours = registration(**FULL)
    theirs = ours.signed(Digester(b"another key")).fingerprint
    assert set(ours.fingerprint) == set(theirs)
    assert all(ours.fingerprint[name] != theirs[name] for name in theirs)


def test_signing_twice_gives_the_same_fingerprint() -> None:
    once = registration(**FULL)
    assert once.signed(DIGESTER) == once
