"""What the conformance suite must know of Smile ID: two generations, whose signatures never cover a body."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.conformance.kit import AnswerRow, Condition, Kit, MeaningRow, SenderKit, SentRequest, rows_of_http
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Decision
from vigil.providers.smile_id.v1.job_status import snapshot_of as snapshot_of_v1
from vigil.providers.smile_id.v3.details import Details
from vigil.providers.smile_id.v3.status import snapshot_of as snapshot_of_v3

PARTNER: Final = "4107"
FIRST: Final = "first-of-two-conformance-keys"
SECOND: Final = "second-of-two-conformance-keys"
WRONG: Final = "somebody-elses-conformance-key"
UNKNOWN_CODE: Final = "1299"
UNKNOWN_STATUS: Final = "half_clear"
APPROVED_V1: Final = {"code": "2302", "job_complete": True, "result": {"ResultCode": "0810"}}
JOB: Final = "job_01hzy3kq8e5vw7r2m4n6p8s0t2"


def settings(simulator: str) -> Mapping[str, Any]:
    return {
        "base_url": f"{simulator}/smile_id",
        "generations": ["v1", "v3"],
        "partner_id": PARTNER,
        "api_key": [FIRST, SECOND],
    }


def _build_scenario(url: str, **options: Any) -> Mapping[str, Any]:
    return {"partner_id": PARTNER, "api_key": FIRST, "endpoints": [{"url": url}], "think": "PT2M", **options}


def v1(url: str, reviewed_code: str = "1210") -> Mapping[str, Any]:
    # The number is reported after three minutes, a provisional face after four, and a reviewer's result after nine.
    times = {"step_every": "PT1M", "review_for": "PT5M"}
    return _build_scenario(url, code="0814", reviewed_code=reviewed_code, **times)


def v1_with_unknown_word(url: str) -> Mapping[str, Any]:
    return v1(url, reviewed_code=UNKNOWN_CODE)


def v3(url: str, status: str = "clear") -> Mapping[str, Any]:
    # What is asked for once more is lost as well: it would be one callback more than the job itself has.
    return {**v3_replaying(url), "status": status, "replays_lost": True}


def v3_replaying(url: str) -> Mapping[str, Any]:
    return _build_scenario(url, generation="v3", status="clear", step_every="PT3M")


def v3_with_unknown_word(url: str) -> Mapping[str, Any]:
    return v3(url, status=UNKNOWN_STATUS)


def _proof(condition: Condition, at: datetime) -> tuple[str, str]:
    """A timestamp and its signature."""
    key = {Condition.SECOND_SECRET: SECOND, Condition.WRONG_SECRET: WRONG}.get(condition, FIRST)
    signed_at = at - timedelta(hours=1) if condition is Condition.STALE else at
    written = signed_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    digest = hmac.new(key.encode(), f"{written}{PARTNER}sid_request".encode(), hashlib.sha256).digest()
    return written, base64.b64encode(digest).decode()


def v1_callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    timestamp, signature = _proof(condition, at)
    codes = {Condition.INTERMEDIATE: "1012", Condition.UNKNOWN_WORD: UNKNOWN_CODE}
    body: dict[str, Any] = {
        "SmileJobID": "0000501777",
        "PartnerParams": {"job_id": reference, "user_id": "cust-77", "job_type": 1},
        "ResultCode": codes.get(condition, "1210"),
        "ResultText": "Written for people",
        "timestamp": timestamp,
        "signature": signature,
    }
    if condition is Condition.FORGED:
        del body["timestamp"], body["signature"]
    if condition is Condition.MALFORMED:
        body |= {"PartnerParams": "nothing of ours", "ResultCode": []}
    whole = json.dumps(body).encode()
    return SentRequest({"Content-Type": "application/json"}, whole[:-9] if condition is Condition.UNPROVABLE else whole)


def v1_of_unknown_type(reference: str, at: datetime) -> SentRequest:
    sent = v1_callback(Condition.GENUINE, reference, at)
    body = json.loads(sent.body)
    return SentRequest(
        sent.headers, json.dumps({**body, "PartnerParams": {**body["PartnerParams"], "job_type": 99}}).encode()
    )


def v3_callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    timestamp, signature = _proof(condition, at)
    headers = {"Content-Type": "application/json", "Job-ID": reference}
    if condition is not Condition.FORGED:
        headers |= {"Response-Timestamp": timestamp, "Response-Signature": signature}
    body = {
        "status": UNKNOWN_STATUS if condition is Condition.UNKNOWN_WORD else "clear",
        "reason": None,
        "message": "Written for people",
        "product": "document_verification",
        "created_at": timestamp,
        "partner_params": None,
        "kyc_receipt": None,
    }
    whole = json.dumps(body).encode()
    return SentRequest(headers, whole[:-9] if condition is Condition.MALFORMED else whole)


ANY_2XX: Final = MeaningRow(
    "which codes it accepts is not documented; integrators answer 200", (200, 201, 204, 299), AnswerMeaning.ACCEPTED
)
NOTHING_ELSE: Final = MeaningRow(
    "nothing says that a code ends or holds anything",
    (301, 400, 401, 404, 413, 429, 500, 503, None),
    AnswerMeaning.COME_AGAIN,
)


def _answers(repeated: str, *more: AnswerRow) -> tuple[AnswerRow, ...]:
    return (
        AnswerRow("a callback that was taken is answered 200", Condition.GENUINE, 200),
        AnswerRow("a partner may have several keys, so two may be on their way", Condition.SECOND_SECRET, 200),
        AnswerRow("the list of words grows; sending one again changes nothing", Condition.UNKNOWN_WORD, 200),
        AnswerRow("a job that is not known yet may be in a minute, so it is kept", Condition.UNKNOWN_REFERENCE, 200),
        AnswerRow("the signature says nothing of the body, of which all is kept", Condition.MALFORMED, 200),
        AnswerRow("no age is documented; an old signature wakes us and starts nothing", Condition.STALE, 200),
        AnswerRow("both the time and its signature are in every callback", Condition.FORGED, 401),
        AnswerRow("a signature by another key is anybody's", Condition.WRONG_SECRET, 401),
        AnswerRow("bodies are of up to 1.5 MB", Condition.OVERSIZED, 413),
        AnswerRow(f"{repeated}; it is kept, so it is safe", Condition.TEMPORAL_DOWN, 200),
        AnswerRow(f"{repeated}, if it comes again at all", Condition.BOTH_DOWN, 503),
        *more,
    )


# Three minutes until a callback is overdue, and a quarter of an hour between two looks at a reviewer's work, jitter
# included.
FOUND_WITHIN: Final = timedelta(minutes=19, seconds=30)
NO_HINTS: Final = "without a key in its settings no account can be set up"

KIT: Final = Kit(
    settings=settings,
    unfetchable={
        "v1, a linked picture that no table names": snapshot_of_v1(
            {**APPROVED_V1, "image_links": {"hologram_image": "https://files.invalid/h"}}, job_type=6, policy={}
        ),
        "v1, a linked document that no table names": snapshot_of_v1(
            {**APPROVED_V1, "result": {"ResultCode": "0810", "documents": {"charter": "https://files.invalid/c"}}},
            job_type=6,
            policy={},
        ),
        "v3, a document without a link": snapshot_of_v3(
            {"status": "clear"},
            has_ended=True,
            product=None,
            details=Details({"status": "clear", "additional_documents": [{"name": "lease"}]}),
            policy={},
        ),
    },
    impossible=("line\nbreak", "\x00"),
    senders={
        "v1": SenderKit(
            scenario=v1,
            final_at=timedelta(minutes=9),
            decision=Decision.APPROVED,
            unknown_word=v1_with_unknown_word,
            callback=v1_callback,
            answers=_answers(
                "no document speaks of a second attempt",
                *rows_of_http(AnswerRow("the proof is inside what cannot be decoded", Condition.UNKNOWN_CODING, 401)),
                AnswerRow("a read brings all that it says, and it was signalled", Condition.STORAGE_DOWN, 200),
                AnswerRow("the number and the face are reported one by one", Condition.INTERMEDIATE, 200),
                AnswerRow("the signature is inside the body, which cannot be read", Condition.UNPROVABLE, 401),
            ),
            meanings=(ANY_2XX, NOTHING_ELSE),
            redelivered_after=(),
            found_within=FOUND_WITHIN,
            absent={Condition.UNPROVEN: NO_HINTS},
            unknown_session_kind=v1_of_unknown_type,
            # An accent may be a character of its own.
            spellings={"job 12": (" job 12 ",), "j\u00f6b-1": ("jo\u0308b-1", "j\u00f6b-1\n")},
            registered_sender="v1",
        ),
        "v3": SenderKit(
            scenario=v3,
            replaying=v3_replaying,
            final_at=timedelta(minutes=5),
            decision=Decision.APPROVED,
            unknown_word=v3_with_unknown_word,
            callback=v3_callback,
            answers=_answers(
                "integrators report three more attempts",
                *rows_of_http(AnswerRow("the header proves it, so it is kept", Condition.UNKNOWN_CODING, 200)),
                AnswerRow(
                    "only its body has reasons and links, so a signal is not enough", Condition.STORAGE_DOWN, 503
                ),
            ),
            meanings=(ANY_2XX, NOTHING_ELSE),
            spellings={JOB: (f" {JOB} ", JOB.upper())},
            # Integrators report three, but not when.
            redelivered_after=(timedelta(minutes=1), timedelta(minutes=6), timedelta(minutes=36)),
            found_within=FOUND_WITHIN,
            absent={
                Condition.UNPROVEN: NO_HINTS,
                Condition.INTERMEDIATE: "its callbacks report ends only",
                Condition.UNPROVABLE: "the proof stands in headers, never in the body",
            },
            registered_sender="v3",
        ),
    },
)
