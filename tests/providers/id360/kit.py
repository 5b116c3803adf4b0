"""What the conformance suite must know of ID360."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tests.conformance.kit import AnswerRow, Condition, Kit, MeaningRow, SenderKit, SentRequest, rows_of_http
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Decision
from vigil.providers.id360.report import snapshot_of

FIRST: Final = "Bearer first-of-two-conformance"
SECOND: Final = "Bearer second-of-two-conformance"


def settings(simulator: str) -> Mapping[str, Any]:
    return {
        "base_url": f"{simulator}/id360",
        "username": "vigil",
        "password": "conformance-51",
        "callback_headers": {"Authorization": [FIRST, SECOND]},
    }


def scenario(url: str, **options: Any) -> Mapping[str, Any]:
    # Six steps of half a minute after one minute, and the final half a minute later.
    endpoint = {"url": url, "headers": {"Authorization": FIRST}}
    return {"think": "PT1M", "step_every": "PT30S", "endpoints": [endpoint], **options}


def unknown_word(url: str) -> Mapping[str, Any]:
    return scenario(url, unknown_status="WITHHELD")


def callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    headers = {"Content-Type": "application/json", "Authorization": FIRST}
    body: dict[str, Any] = {
        "id": int(reference),
        "status": "OK",
        "reason": None,
        "steps_status": {"done": 7, "total": 7},
    }
    match condition:
        case Condition.INTERMEDIATE:
            step = {"status": "OK", "errors": [], "type": "InternalDoNotUse", "reason": "", "name": "otp"}
            body |= {"status": "STARTED", "enrollment_step": {**step, "documents": []}}
        case Condition.SECOND_SECRET:
            headers["Authorization"] = SECOND
        case Condition.UNKNOWN_WORD:
            body["status"] = "WITHHELD"
        case Condition.FORGED:
            del headers["Authorization"]
        case Condition.WRONG_SECRET:
            headers["Authorization"] = "Bearer somebody-elses"
        case Condition.MALFORMED:
            return SentRequest(headers, b'{"id": ')
        case _:
            pass
    return SentRequest(headers, json.dumps(body).encode())


ANSWERS: Final = (
    AnswerRow("every 2XX means success", Condition.GENUINE, 200),
    AnswerRow("a step comes in the same request as an end", Condition.INTERMEDIATE, 200),
    AnswerRow("the headers are sent as they were given, so two may be on their way", Condition.SECOND_SECRET, 200),
    AnswerRow("a word that no document has may come; sending it again changes nothing", Condition.UNKNOWN_WORD, 200),
    AnswerRow("a call may come before the answer to the creation was read", Condition.UNKNOWN_REFERENCE, 200),
    AnswerRow("whoever calls without the headers that were given is not ID360", Condition.FORGED, 401),
    AnswerRow("whoever calls with others is not ID360, or not with ours", Condition.WRONG_SECRET, 401),
    AnswerRow("the shape of a final callback is shown nowhere; what cannot be read is kept", Condition.MALFORMED, 200),
    AnswerRow("no size is documented; anything but 2XX is repeated", Condition.OVERSIZED, 413),
    *rows_of_http(AnswerRow("the header proves it, so it is kept", Condition.UNKNOWN_CODING, 200)),
    AnswerRow(
        "anything but 2XX within 10 s is repeated; it was signalled, so it need not be", Condition.STORAGE_DOWN, 200
    ),
    AnswerRow("repeats end after about two hours; it is kept, so it need not come", Condition.TEMPORAL_DOWN, 200),
    AnswerRow("anything but 2XX within 10 s is repeated, and now it must be", Condition.BOTH_DOWN, 503),
)

MEANINGS: Final = (
    MeaningRow("any 2XX is success", (200, 201, 202, 204, 299), AnswerMeaning.ACCEPTED),
    MeaningRow("any other code is repeated", (199, 300, 301, 302, 400, 401, 403, 404), AnswerMeaning.COME_AGAIN),
    MeaningRow(
        "no code ends the repetitions or holds others back", (410, 413, 429, 500, 503), AnswerMeaning.COME_AGAIN
    ),
    MeaningRow("no answer within 10 s is a failure", (None,), AnswerMeaning.COME_AGAIN),
)

# The table of the documents, row by row: 10, 90, 360, 1000, 2250, 4410 and 7840 seconds since the first attempt.
REDELIVERED_AFTER: Final = tuple(timedelta(seconds=s) for s in (10, 90, 360, 1000, 2250, 4410, 7840))

KIT: Final = Kit(
    settings=settings,
    unfetchable={
        "a file without address": snapshot_of(
            {"id": 840002, "status": "OK", "documents": {"selfie": [{"name": "selfie", "files": [{"hash": "00"}]}]}},
            reference="840002",
        )
    },
    impossible=("file-7", "-840002", "84 0002", "840002.5"),
    senders={
        "id360": SenderKit(
            scenario=scenario,
            final_at=timedelta(minutes=5),
            decision=Decision.APPROVED,
            unknown_word=unknown_word,
            callback=callback,
            answers=ANSWERS,
            meanings=MEANINGS,
            redelivered_after=REDELIVERED_AFTER,
            found_within=timedelta(minutes=20, seconds=30),
            spellings={"840002": (" 840002 ", "0840002", "840002\n")},
            absent={
                Condition.STALE: "its callbacks carry no time, so none can be recognised as old",
                Condition.UNPROVEN: "an account must name at least one header, so there is none without proof",
                Condition.UNPROVABLE: "the proof stands in the headers, never in the body",
            },
        )
    },
)
