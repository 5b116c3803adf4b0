"""Each row of the tables, as a literal."""

import pytest

from vigil.domain.message import MessageKind
from vigil.domain.terms import Decision, EvidenceKind, Outcome, ReasonCode, SessionKind, Stage
from vigil.providers.identomat import vocabulary

AWAITING, REVIEW, CONCLUDED = Stage.AWAITING_APPLICANT, Stage.IN_REVIEW, Stage.CONCLUDED

ROWS = {
    "in_progress": (AWAITING, None, None, None),
    "manual_check": (REVIEW, None, None, None),
    "additional_information_requested": (AWAITING, None, None, ReasonCode.MORE_INFORMATION),
    "approved": (CONCLUDED, Decision.APPROVED, None, None),
    "rejected": (CONCLUDED, Decision.DECLINED, None, None),
    "expired": (CONCLUDED, None, Outcome.EXPIRED, None),
    "disagreed_with_terms": (CONCLUDED, None, Outcome.CANCELED, None),  # doubtful: the literal is unknown
    "disagreed": (CONCLUDED, None, Outcome.CANCELED, None),  # doubtful: the literal is unknown
}


def test_there_are_exactly_these_words() -> None:
    found = {
        word: (standing.stage, standing.decision, standing.ended, standing.reason)
        for word, standing in vocabulary.STATUSES.items()
    }

    assert found == ROWS


@pytest.mark.parametrize("spelling", [str.upper, str.lower, str.title])
@pytest.mark.parametrize("word", ROWS)
def test_a_word_is_known_in_any_case(word: str, spelling: type) -> None:
    standing = vocabulary.meaning_of(spelling(word))

    assert standing is not None
    assert standing.stage is ROWS[word][0]


@pytest.mark.parametrize("word", ["", "ok", "APPROVED ", "started", "data_mismatch", "cancelled", "SESSION_NOT_FOUND"])
def test_no_other_word_has_a_meaning(word: str) -> None:
    assert vocabulary.meaning_of(word) is None
    assert vocabulary.looks(word) == "unrecognised"


@pytest.mark.parametrize(
    ("word", "looks"),
    [
        ("APPROVED", "final"),
        ("REJECTED", "final"),
        ("approved", "final"),
        ("MANUAL_CHECK", "open"),
        ("ADDITIONAL_INFORMATION_REQUESTED", "open"),
        ("IN_PROGRESS", "unrecognised"),  # documented as never announced
        ("EXPIRED", "unrecognised"),  # as above
    ],
)
def test_a_callback_looks_like(word: str, looks: str) -> None:
    assert vocabulary.looks(word) == looks


@pytest.mark.parametrize(
    ("value", "reason"),
    [("face_mismatch", ReasonCode.FACE_MISMATCH), ("FACE_MISMATCH", ReasonCode.FACE_MISMATCH), ("x", ReasonCode.OTHER)],
)
def test_a_rejection_is_for(value: str, reason: ReasonCode) -> None:
    assert vocabulary.rejection(value) is reason


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (None, SessionKind.PERSON),
        ("KYB", SessionKind.BUSINESS),
        ("kyb", SessionKind.BUSINESS),
        ("KYC", SessionKind.UNRECOGNISED),
        ("", SessionKind.UNRECOGNISED),
        (7, SessionKind.UNRECOGNISED),
    ],
)
def test_a_session_is_about(raw: object, kind: SessionKind) -> None:
    assert vocabulary.session_kind(raw) is kind


def test_messages_are_asked_for_by_exactly_these_types() -> None:
    assert dict(vocabulary.MESSAGES) == {
        "one-time-password": MessageKind.ONE_TIME_PASSWORD,
        "one-time-password-request": MessageKind.ONE_TIME_PASSWORD,
        "email-one-time-password-request": MessageKind.EMAIL_ONE_TIME_PASSWORD,
        "share-session-link-via-sms": MessageKind.SESSION_LINK_BY_SMS,
        "share-session-link-via-email": MessageKind.SESSION_LINK_BY_EMAIL,
    }


def test_pictures_are_asked_for_at_exactly_these_addresses() -> None:
    assert {name: (picture.path, picture.kind) for name, picture in vocabulary.PICTURES.items()} == {
        "card-front": ("result/card-front/", EvidenceKind.DOCUMENT_FRONT),
        "card-back": ("result/card-back/", EvidenceKind.DOCUMENT_BACK),
        "passport": ("result/passport/", EvidenceKind.DOCUMENT_FRONT),
        "face": ("result/face/", EvidenceKind.SELFIE),
        "face-video": ("result/face-video/", EvidenceKind.LIVENESS_VIDEO),
    }


@pytest.mark.parametrize(
    ("raw", "ready"), [("available", True), ("AVAILABLE", True), (None, False), ("processing", None), (True, None)]
)
def test_a_recording_can_be_had(raw: object, ready: object) -> None:
    assert vocabulary.is_available(raw) is ready


@pytest.mark.parametrize(
    ("raw", "status"),
    [("empty", "empty"), ("ENDED", "ended"), ("active", "unrecognised"), (None, "unrecognised"), (1, "unrecognised")],
)
def test_a_room_stands(raw: object, status: str) -> None:
    assert vocabulary.room_status(raw) == status
