"""What Verdant brings to the conformance suite."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tests.conformance.kit import AnswerRow, Condition, Kit, MeaningRow, SenderKit, SentRequest, rows_of_http
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Decision
from vigil.providers.verdant.inquiry import snapshot_of

LINKED: Final = {
    "inquiry": "inq-7",
    "parts": {"document": {"verdict": "pass"}, "face": {"verdict": "pass"}},
    "files": [{"link": "https://files.invalid/1"}],
}
LIVE: Final = ("verdant of the summer", "verdant of the winter")


def settings(simulator: str) -> Mapping[str, Any]:
    return {"base_url": f"{simulator}/verdant", "api_key": "key of the garden", "callback_token": LIVE}


def scenario(url: str) -> Mapping[str, Any]:
    """The document passes after three minutes, the face after four; the first link given is a dead one."""
    return {
        "endpoints": [{"url": url}],
        "token": LIVE[0],
        "think": "PT2M",
        "step_every": "PT1M",
        "expired_links": 1,
    }


def unknown_word(url: str) -> Mapping[str, Any]:
    return {**scenario(url), "face": "perhaps"}


def callback(condition: Condition, reference: str, sent_at: datetime) -> SentRequest:
    body = {"token": LIVE[0], "inquiry": reference, "part": "face", "verdict": "pass"}
    match condition:
        case Condition.SECOND_SECRET:
            body["token"] = LIVE[1]
        case Condition.WRONG_SECRET:
            body["token"] = "verdant of another garden"
        case Condition.FORGED:
            del body["token"]
        case Condition.UNKNOWN_WORD:
            body["verdict"] = "perhaps"
        case Condition.MALFORMED:
            del body["inquiry"]
        case Condition.UNPROVABLE:
            return SentRequest({"Content-Type": "application/json"}, json.dumps(body).encode()[:-1])
        case _:
            pass
    return SentRequest({"Content-Type": "application/json"}, json.dumps(body).encode())


KIT: Final = Kit(
    settings=settings,
    unfetchable={"a link without a name": snapshot_of(LINKED, reference="inq-7")},
    impossible=("inquiry-7", "inq-7 b"),
    senders={
        "verdant": SenderKit(
            scenario=scenario,
            final_at=timedelta(minutes=4),
            decision=Decision.APPROVED,
            unknown_word=unknown_word,
            callback=callback,
            answers=(
                AnswerRow("Answer 200 once it is stored", Condition.GENUINE, 200),
                AnswerRow("The token may be changed at any time", Condition.SECOND_SECRET, 200),
                AnswerRow("Verdicts may be added", Condition.UNKNOWN_WORD, 200),
                AnswerRow("A callback may come before the inquiry is returned", Condition.UNKNOWN_REFERENCE, 200),
                AnswerRow("The token proves the sender", Condition.FORGED, 401),
                AnswerRow("The token proves the sender", Condition.WRONG_SECRET, 401),
                AnswerRow("The token is a field of the body", Condition.UNPROVABLE, 401),
                AnswerRow("Fields may be left out", Condition.MALFORMED, 200),
                AnswerRow("A body has a few hundred bytes", Condition.OVERSIZED, 413),
                *rows_of_http(AnswerRow("the proof is inside what cannot be decoded", Condition.UNKNOWN_CODING, 401)),
                AnswerRow("Nothing is repeated", Condition.STORAGE_DOWN, 200),
                AnswerRow("Nothing is repeated", Condition.TEMPORAL_DOWN, 200),
                AnswerRow("Nothing is repeated", Condition.BOTH_DOWN, 503),
            ),
            meanings=(
                MeaningRow("Answer 200", (200,), AnswerMeaning.ACCEPTED),
                MeaningRow("All else is a failure", (204, 401, 413, 500, 503, None), AnswerMeaning.COME_AGAIN),
            ),
            redelivered_after=(),
            spellings={"inq-7": (" inq-7", "inq-7\n")},
            found_within=timedelta(minutes=4, seconds=6),
            absent={
                Condition.INTERMEDIATE: "each callback tells the verdict on a part, and needs a read",
                Condition.STALE: "nothing in a callback tells its age",
                Condition.UNPROVEN: "no account can do without the token",
            },
        )
    },
)
