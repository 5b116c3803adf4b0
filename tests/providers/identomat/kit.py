"""What the conformance suite must know of Identomat, whose callbacks carry their proof in the body."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tests.conformance.kit import AnswerRow, Condition, Kit, MeaningRow, SenderKit, SentRequest, rows_of_http
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Decision
from vigil.providers.identomat.result import snapshot_of

FIRST: Final = "cbk-first-of-two-conformance"
SECOND: Final = "cbk-second-of-two-conformance"
UNKNOWN: Final = "half_approved"
RECORDED: Final = {"roomId": "RM1", "roomStatus": "ended", "videoFileStatus": "available"}
SESSION: Final = "q7h2m0zx4t9k1vb8n5c3j6w0e2r4y8u1i3o5p7as"


def settings(simulator: str) -> Mapping[str, Any]:
    return {
        "base_url": f"{simulator}/identomat/external-api",
        "company_key": "conformance-77",
        "callback_api_key": [FIRST, SECOND],
    }


def build_scenario(url: str, **options: Any) -> Mapping[str, Any]:
    # Submitted after three minutes, and decided by an operator seven later: an operator's decision comes while we poll.
    endpoint = {"url": url, "callback_api_key": FIRST}
    times = {"think": "PT2M", "step_every": "PT1M", "manual_check": True, "review_for": "PT7M"}
    return {**times, "endpoints": [endpoint], **options}


def with_unknown_word(url: str) -> Mapping[str, Any]:
    return build_scenario(url, unknown_status=UNKNOWN)


def callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    body = {"callbackApiKey": FIRST, "type": "session-change", "sessionId": reference, "result": "APPROVED"}
    match condition:
        case Condition.FORGED:
            del body["callbackApiKey"]
        case Condition.WRONG_SECRET:
            body["callbackApiKey"] = "cbk-somebody-elses"
        case Condition.SECOND_SECRET:
            body["callbackApiKey"] = SECOND
        case Condition.INTERMEDIATE:
            body["result"] = "MANUAL_CHECK"
        case Condition.UNKNOWN_WORD:
            body["result"] = UNKNOWN.upper()
        case Condition.MALFORMED:
            body |= {"type": "nothing-of-the-kind", "result": ""}
        case _:
            pass
    whole = json.dumps(body).encode()
    return SentRequest({"Content-Type": "application/json"}, whole[:-9] if condition is Condition.UNPROVABLE else whole)


def of_unknown_kind(reference: str, at: datetime) -> SentRequest:
    sent = callback(Condition.GENUINE, reference, at)
    return SentRequest(sent.headers, json.dumps({**json.loads(sent.body), "sessionType": "KYX"}).encode())


NEVER_RESENT: Final = "no document speaks of a second attempt"

KIT: Final = Kit(
    settings=settings,
    unfetchable={
        "a recording without id": snapshot_of({"result": "approved", "videoCallStatus": [RECORDED]}),
        "a utility bill": snapshot_of({"result": "approved", "generalDocuments": [{"pages": [{"typeId": "front"}]}]}),
    },
    impossible=("two words", "s\u00e9ance"),
    senders={
        "identomat": SenderKit(
            scenario=build_scenario,
            final_at=timedelta(minutes=10),
            decision=Decision.APPROVED,
            unknown_word=with_unknown_word,
            callback=callback,
            answers=(
                AnswerRow(
                    "which code it waits for is not documented; 200 is one for every sender", Condition.GENUINE, 200
                ),
                AnswerRow("a manual check is announced by the same event as a verdict", Condition.INTERMEDIATE, 200),
                AnswerRow(
                    "how its key is changed is not documented, so two may be on their way", Condition.SECOND_SECRET, 200
                ),
                AnswerRow("four results are listed; a fifth is kept", Condition.UNKNOWN_WORD, 200),
                AnswerRow(
                    "it has no word for a session that is not known, so it is kept", Condition.UNKNOWN_REFERENCE, 200
                ),
                AnswerRow("one address serves every event, also one that is new; it is kept", Condition.MALFORMED, 200),
                AnswerRow("the key is in every body; without it is anybody's", Condition.FORGED, 401),
                AnswerRow("another key than the agreed one is anybody's", Condition.WRONG_SECRET, 401),
                AnswerRow("the key is inside the body, which cannot be read", Condition.UNPROVABLE, 401),
                AnswerRow("no size is documented; this is no callback of a few short words", Condition.OVERSIZED, 413),
                *rows_of_http(AnswerRow("the proof is inside what cannot be decoded", Condition.UNKNOWN_CODING, 401)),
                AnswerRow(f"{NEVER_RESENT}; it was signalled, so it is safe", Condition.STORAGE_DOWN, 200),
                AnswerRow(f"{NEVER_RESENT}; it is kept, so it is safe", Condition.TEMPORAL_DOWN, 200),
                AnswerRow(f"{NEVER_RESENT}, and none is promised not to be made", Condition.BOTH_DOWN, 503),
            ),
            meanings=(
                MeaningRow(
                    "any 2xx is taken for yes; nothing is documented", (200, 201, 204, 299), AnswerMeaning.ACCEPTED
                ),
                MeaningRow(
                    "nothing says that a code ends or holds anything",
                    (301, 400, 401, 404, 413, 429, 500, 503, None),
                    AnswerMeaning.COME_AGAIN,
                ),
            ),
            redelivered_after=(),
            unknown_session_kind=of_unknown_kind,
            spellings={SESSION: (f" {SESSION}", f"{SESSION}\t")},
            # Five minutes until a callback is overdue, and five more between two looks at an operator's work.
            found_within=timedelta(minutes=10, seconds=30),
            absent={
                Condition.STALE: "its callbacks carry no time, so none can be recognised as old",
                Condition.UNPROVEN: "without a key in its settings no account can be set up",
            },
        )
    },
)
