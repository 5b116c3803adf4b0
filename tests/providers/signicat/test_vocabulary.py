"""Every word of Signicat in ours, as a table that is not the code's own."""

import pytest

from vigil.providers.signicat import vocabulary
from vigil.providers.vocabulary import looks_of

# word: stage, decision, end, advice, what it looks like in a callback
STATUSES: dict[str, tuple[str, str | None, str | None, str, str]] = {
    "pending": ("awaiting_applicant", None, None, "none", "open"),
    "processing": ("processing", None, None, "none", "open"),
    "accepted": ("concluded", "approved", None, "none", "final"),
    "rejected": ("concluded", "declined", None, "none", "final"),
    "inconclusive": ("concluded", "inconclusive", None, "new_attempt", "final"),
    "canceled": ("concluded", None, "canceled", "none", "final"),
    "cancelled": ("concluded", None, "canceled", "none", "final"),
    "failed": ("concluded", None, "failed", "new_attempt", "final"),
}

SENDERS: dict[object, str | None] = {
    "onfido": "onfido",
    "Onfido": "onfido",
    "eid": "electronic-identification",
    "signicatvideoid": "electronic-identification",
    "readid": "readid",
    "paper": "paper",
    "signicatpaper": "paper",
    "connect": "connect",
    "connect:idmethod": "connect",
    "connect:anything": "connect",
    "facetec": "other",
    "webid": "other",
    "signicatpictureid": "other",
    "connected": "other",
    "somebody new": "other",
    "": None,
    None: None,
    7: None,
}

RESULTS: dict[object, str] = {
    "clear": "passed",
    "CLEAR": "passed",
    "consider": "unclear",
    "unidentified": "unclear",
    "suspected": "failed",
    "splendid": "unrecognised",
    "": "unrecognised",
    None: "unrecognised",
    True: "unrecognised",
}


@pytest.mark.parametrize("word", STATUSES)
@pytest.mark.parametrize("spelled", [str, str.upper, str.title])
def test_a_status_means(word: str, spelled: type[str]) -> None:
    meaning = vocabulary.meaning_of(spelled(word))

    assert meaning is not None
    found = (meaning.stage, meaning.decision, meaning.ended, meaning.advice, looks_of(meaning))
    assert found == STATUSES[word]
    assert vocabulary.announced_end(spelled(word)) == STATUSES[word][2]


def test_every_status_has_a_row_here() -> None:
    assert set(vocabulary.STATUSES) == set(STATUSES)


@pytest.mark.parametrize("word", ["not_matched", "approved", "expired", "", "accepted ", "ACCEPTED\n"])
def test_a_word_without_a_row_means_nothing(word: str) -> None:
    assert vocabulary.meaning_of(word) is None
    assert (looks_of(vocabulary.meaning_of(word)), vocabulary.announced_end(word)) == ("unrecognised", None)


@pytest.mark.parametrize(("provider", "sender"), SENDERS.items())
def test_a_provider_calls_back_as(provider: object, sender: str | None) -> None:
    assert vocabulary.sender_of(provider) == sender


@pytest.mark.parametrize(("result", "status"), RESULTS.items())
def test_a_check_ended(result: object, status: str) -> None:
    assert vocabulary.check_status(result) == status
