"""What each sub-provider does with our answers, and when it comes again, as literals."""

from datetime import timedelta

import pytest

from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Proof
from vigil.providers.sender_description import describe_accepted
from vigil.providers.signicat.senders import CONTRACTS

S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

REDELIVERED_AFTER: dict[str, list[timedelta]] = {
    "onfido": [30 * S, 2 * M, 15 * M, 2 * H, 10 * H],
    "electronic-identification": [
        *(10 * M, 20 * M, 30 * M, 40 * M, 50 * M, 60 * M, 70 * M),
        *(80 * M, 90 * M, 100 * M, 110 * M, 120 * M, 130 * M, 140 * M),
    ],
    "readid": [
        *(1 * H, 2 * H, 3 * H, 4 * H, 5 * H, 6 * H, 7 * H, 8 * H, 9 * H, 10 * H, 11 * H, 12 * H),
        *(13 * H, 14 * H, 15 * H, 16 * H, 17 * H, 18 * H, 19 * H, 20 * H, 21 * H, 22 * H, 23 * H, 24 * H),
    ],
    "paper": [],
    "connect": [],
    "other": [],
    "events": [],
}
EXACT = {"onfido", "electronic-identification", "paper", "connect", "other"}
MEANT_BY_READID = {
    200: "accepted",
    201: "accepted",
    299: "accepted",
    302: "come_again",
    400: "never_again",
    401: "come_again",
    404: "hold_everything",
    405: "hold_everything",
    406: "hold_everything",
    409: "come_again",
    410: "hold_everything",
    413: "come_again",
    414: "hold_everything",
    415: "hold_everything",
    422: "come_again",
    429: "come_again",
    500: "hold_everything",
    503: "hold_everything",
    599: "hold_everything",
    None: "come_again",
}


@pytest.mark.parametrize(("sender", "delays"), REDELIVERED_AFTER.items(), ids=REDELIVERED_AFTER.keys())
def test_a_sender_comes_again_when_its_documents_say(sender: str, delays: list[timedelta]) -> None:
    redelivery = CONTRACTS[sender].redelivery

    assert list(redelivery.due_after_first()) == delays
    assert redelivery.certain == len(delays)


def test_every_sender_has_a_row_here() -> None:
    assert set(CONTRACTS) == set(REDELIVERED_AFTER)


@pytest.mark.parametrize("sender", sorted(EXACT))
@pytest.mark.parametrize("code", [201, 202, 204, 299])
def test_only_200_is_success_for_most(sender: str, code: int) -> None:
    answering = CONTRACTS[sender].answering

    assert (answering.meaning_of(200), answering.meaning_of(code)) == (AnswerMeaning.ACCEPTED, AnswerMeaning.COME_AGAIN)


@pytest.mark.parametrize("code", [200, 202, 204, 299])
def test_any_2xx_is_success_for_events(code: int) -> None:
    assert CONTRACTS["events"].answering.meaning_of(code) is AnswerMeaning.ACCEPTED


@pytest.mark.parametrize(("code", "meaning"), MEANT_BY_READID.items())
def test_readid_sorts_our_answers_into_four_classes(code: int | None, meaning: str) -> None:
    assert CONTRACTS["readid"].answering.meaning_of(code).value == meaning


def test_readid_holds_for_an_hour() -> None:
    assert CONTRACTS["readid"].answering.hold_for == H


@pytest.mark.parametrize("sender", sorted(REDELIVERED_AFTER))
def test_no_answer_of_ours_costs_more_than_one_delivery(sender: str) -> None:
    contract = CONTRACTS[sender]
    ours = contract.answers

    assert (ours.kept, ours.lost, ours.unproven, ours.too_large) == (200, 429, 401, 413)
    assert contract.answering.meaning_of(ours.kept) is AnswerMeaning.ACCEPTED
    assert {contract.answering.meaning_of(code) for code in (ours.lost, ours.unproven, ours.too_large)} == {
        AnswerMeaning.COME_AGAIN
    }


@pytest.mark.parametrize(
    ("sender", "found_within"),
    [
        ("onfido", 15.5 * M),
        ("electronic-identification", 15.5 * M),
        ("readid", 15.5 * M),
        ("paper", 4.2 * M),
        ("connect", 4.2 * M),
        ("other", 4.2 * M),
        ("events", 4.2 * M),
    ],
)
def test_a_lost_callback_is_found_within(sender: str, found_within: timedelta) -> None:
    assert CONTRACTS[sender].tracking.found_within() == found_within


@pytest.mark.parametrize(
    ("sender", "accepts"),
    [
        ("onfido", "200 within 10 s (Signicat, 2021; Onfido's specification: any 20x)"),
        ("electronic-identification", "200 within 10 s (Signicat, 2021)"),
        ("readid", "200–299 within 10 s (Signicat, 2021)"),  # noqa: RUF001 -- as a range is printed
        ("paper", "200 within 10 s (Signicat, 2021)"),
        ("connect", "200 within 10 s (Signicat, 2021)"),
        ("other", "200 within 10 s (assumed)"),
        ("events", "200–299 within 10 s (assumed)"),  # noqa: RUF001 -- as a range is printed
    ],
)
def test_it_is_said_whose_word_the_accepted_codes_are(sender: str, accepts: str) -> None:
    assert describe_accepted(CONTRACTS[sender].answering) == accepts


@pytest.mark.parametrize("sender", sorted(REDELIVERED_AFTER))
def test_only_the_legacy_generation_promises_a_secret(sender: str) -> None:
    contract = CONTRACTS[sender]

    assert contract.proof is (Proof.NONE if sender == "events" else Proof.SECRET)
    assert contract.answering.budget == 10 * S
    assert contract.tracking.not_found_is_deleted_after == 15 * M
