"""Every row of the tables, as literals."""

import pytest

from vigil.domain.terms import Advice, ReasonCode, SessionKind
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.vocabulary import ROWS, CodeMeaning, Effect, looks, meaning_of, session_kind

PASS, FAIL, UNCLEAR = Effect.PASS, Effect.FAIL, Effect.UNCLEAR
ERROR, WAIT, REVIEW = Effect.ERROR, Effect.WAIT, Effect.REVIEW
NEW, AGAIN = Advice.NEW_ATTEMPT, Advice.ASK_AGAIN
FIX_INPUT, FIX_CONFIGURATION = Advice.FIX_INPUT, Advice.FIX_CONFIGURATION
IMAGE, SPOOF, FACE = ReasonCode.IMAGE_UNUSABLE, ReasonCode.SPOOF, ReasonCode.FACE_MISMATCH
PROVISIONAL, DOWN = ReasonCode.PROVISIONAL, ReasonCode.AUTHORITY_UNAVAILABLE
MISSING, OTHER, REJECTED = ReasonCode.NOT_FOUND_IN_REGISTER, ReasonCode.OTHER, ReasonCode.DOCUMENT_REJECTED
EXPIRED, UNSUPPORTED = ReasonCode.DOCUMENT_EXPIRED, ReasonCode.DOCUMENT_UNSUPPORTED
NONE = Advice.NONE

Expected = tuple[int, str, Effect, ReasonCode | None, Advice]

IDENTITY_OF_TYPE_1: list[Expected] = [
    (1, "1012", PASS, None, NONE),
    (1, "1013", FAIL, MISSING, NONE),
    (1, "1014", ERROR, OTHER, FIX_INPUT),
    (1, "1015", WAIT, DOWN, AGAIN),
    (1, "1016", ERROR, ReasonCode.NOT_PERMITTED, FIX_CONFIGURATION),
]
MACHINES_OF_TYPE_1: list[Expected] = [
    (1, "0810", PASS, None, NONE),
    (1, "0811", FAIL, FACE, NONE),
    (1, "0812", REVIEW, PROVISIONAL, NONE),
    (1, "0813", FAIL, SPOOF, NONE),
    (1, "0814", REVIEW, PROVISIONAL, NONE),
    (1, "0815", REVIEW, PROVISIONAL, NONE),
    (1, "0908", WAIT, DOWN, AGAIN),
    (1, "0911", FAIL, IMAGE, NEW),
    (1, "0912", FAIL, IMAGE, NEW),
    (1, "0001", FAIL, IMAGE, NEW),
    (1, "0903", FAIL, IMAGE, NEW),
    (1, "0907", FAIL, SPOOF, NEW),
]
MACHINES: list[Expected] = [
    (2, "0820", PASS, None, NONE),
    (2, "0821", FAIL, FACE, NONE),
    (2, "0822", REVIEW, PROVISIONAL, NONE),
    (2, "0823", FAIL, SPOOF, NONE),
    (2, "0824", REVIEW, PROVISIONAL, NONE),
    (2, "0825", REVIEW, PROVISIONAL, NONE),
    (2, "0921", FAIL, IMAGE, NEW),
    (2, "0922", FAIL, IMAGE, NEW),
    (2, "0001", FAIL, IMAGE, NEW),
    (2, "0903", FAIL, IMAGE, NEW),
    (2, "0907", FAIL, SPOOF, NEW),
    (4, "0840", PASS, None, NONE),
    (4, "0841", FAIL, OTHER, NONE),
    (4, "0842", REVIEW, PROVISIONAL, NONE),
    (4, "0843", FAIL, SPOOF, NONE),
    (4, "0844", REVIEW, PROVISIONAL, NONE),
    (4, "0846", REVIEW, PROVISIONAL, NONE),
    (4, "0941", FAIL, IMAGE, NEW),
    (4, "0942", FAIL, IMAGE, NEW),
    (4, "0001", FAIL, IMAGE, NEW),
    (4, "0903", FAIL, IMAGE, NEW),
    (4, "0907", FAIL, SPOOF, NEW),
    (5, "1012", PASS, None, NONE),
    (5, "1013", FAIL, MISSING, NONE),
    (5, "1014", ERROR, OTHER, FIX_INPUT),
    (5, "1015", WAIT, DOWN, AGAIN),
    (5, "1016", ERROR, ReasonCode.NOT_PERMITTED, FIX_CONFIGURATION),
    (5, "1020", PASS, None, NONE),
    (5, "1021", PASS, ReasonCode.PARTIAL_MATCH, NONE),
    (5, "1022", FAIL, ReasonCode.DATA_MISMATCH, NONE),
    (5, "1023", FAIL, MISSING, NONE),
    (5, "0001", FAIL, IMAGE, NEW),
    (6, "0810", PASS, None, NONE),
    (6, "0811", FAIL, REJECTED, NONE),
    (6, "0812", FAIL, IMAGE, NONE),
    (6, "0816", FAIL, UNSUPPORTED, NONE),
    (6, "0817", UNCLEAR, EXPIRED, NONE),
    (6, "0001", FAIL, IMAGE, NEW),
    (6, "0903", FAIL, IMAGE, NEW),
    (6, "0907", FAIL, SPOOF, NEW),
    (7, "1012", PASS, None, NONE),
    (7, "1013", FAIL, MISSING, NONE),
    (7, "1014", ERROR, OTHER, FIX_INPUT),
    (7, "1015", WAIT, DOWN, AGAIN),
    (7, "1016", ERROR, ReasonCode.NOT_PERMITTED, FIX_CONFIGURATION),
    (7, "0001", FAIL, IMAGE, NEW),
    (10, "1030", FAIL, ReasonCode.ON_A_LIST, NONE),
    (10, "1031", PASS, None, NONE),
    (10, "0001", FAIL, IMAGE, NEW),
    (11, "0810", PASS, None, NONE),
    (11, "0811", FAIL, REJECTED, NONE),
    (11, "0812", FAIL, IMAGE, NONE),
    (11, "0816", FAIL, UNSUPPORTED, NONE),
    (11, "0817", UNCLEAR, EXPIRED, NONE),
    (11, "0001", FAIL, IMAGE, NEW),
    (11, "0903", FAIL, IMAGE, NEW),
    (11, "0907", FAIL, SPOOF, NEW),
]
IDENTITY_OF_TYPE_11: list[Expected] = [(11, "1012", PASS, None, NONE), (11, "1014", ERROR, OTHER, FIX_INPUT)]
REVIEWERS: list[Expected] = [
    (2, "1220", PASS, None, NONE),
    (2, "1221", FAIL, FACE, NONE),
    (2, "1222", FAIL, SPOOF, NONE),
    (4, "1240", PASS, None, NONE),
    (4, "1241", FAIL, IMAGE, NEW),
    (4, "1242", FAIL, SPOOF, NONE),
]
REVIEWERS_OF_TYPE_1: list[Expected] = [
    (1, "1210", PASS, None, NONE),
    (1, "1211", FAIL, FACE, NONE),
    (1, "1212", FAIL, SPOOF, NONE),
    (1, "1213", UNCLEAR, PROVISIONAL, NONE),
    (1, "1214", FAIL, REJECTED, NONE),
]
PARTNERS_OWN = {
    *((1, code) for code in ("0812", "0814", "0815")),
    *((2, code) for code in ("0822", "0824", "0825")),
    *((4, code) for code in ("0842", "0844")),
    *((job_type, "0817") for job_type in (6, 11)),
}


def rows() -> dict[tuple[int, str], CodeMeaning]:
    parts: list[tuple[list[Expected], vocabulary.PartName, bool]] = [
        (IDENTITY_OF_TYPE_1, "identity", False),
        (MACHINES_OF_TYPE_1, "biometric", False),
        (MACHINES, "whole", False),
        (IDENTITY_OF_TYPE_11, "identity", False),
        (REVIEWERS, "whole", True),
        (REVIEWERS_OF_TYPE_1, "biometric", True),
    ]
    return {
        (job_type, code): CodeMeaning(effect, because, advice, part, is_reviewed, (job_type, code) in PARTNERS_OWN)
        for expected, part, is_reviewed in parts
        for job_type, code, effect, because, advice in expected
    }


@pytest.mark.parametrize(("pair", "row"), rows().items())
def test_every_row_means_what_it_should(pair: tuple[int, str], row: CodeMeaning) -> None:
    assert ROWS.get(pair) == row


def test_there_are_no_other_rows() -> None:
    assert ROWS.keys() - rows().keys() == set()


@pytest.mark.parametrize(
    ("job_type", "code"),
    [
        (8, "0840"),
        (9, "0810"),
        (12, "0810"),
        (3, "0810"),
        (2, "0810"),
        (6, "0817 "),
        (1, "0820"),
        (5, "0810"),
        (6, "1012"),
    ],
)
def test_a_code_of_another_type_of_job_is_unrecognised(job_type: int, code: str) -> None:
    assert meaning_of(job_type, code) is None
    assert looks(job_type, code) == "unrecognised"


@pytest.mark.parametrize(("job_type", "code"), [(None, "0810"), (1, None), (None, None)])
def test_half_a_pair_means_nothing(job_type: int | None, code: str | None) -> None:
    assert meaning_of(job_type, code) is None


def test_only_a_business_is_no_person() -> None:
    assert session_kind(7) is SessionKind.BUSINESS
    assert session_kind(5) is SessionKind.PERSON
    assert session_kind(None) is SessionKind.UNRECOGNISED
