"""What the conformance suite must know of Signicat Assure: six senders of its older callbacks, and its events."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from tests.conformance.kit import AnswerRow, Condition, Kit, MeaningRow, Scenario, SenderKit, SentRequest, rows_of_http
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import Decision
from vigil.providers.signicat.process import snapshot_of

FIRST: Final = "Bearer first-of-two-conformance"
SECOND: Final = "Bearer second-of-two-conformance"
EVENTS_HEADER: Final = "X-Conformance-Secret"

AGAIN: Final = AnswerMeaning.COME_AGAIN
UNKNOWN: Final = "not_matched"
SPELLINGS: Final = {
    "5c1f0e7a-92b4-4d3c-8e61-0af2d7b3c945:e04b6d18-7f3a-4c25-9ad0-b1c8e2f56a73": (
        "5C1F0E7A-92B4-4D3C-8E61-0AF2D7B3C945:E04B6D18-7F3A-4C25-9AD0-B1C8E2F56A73",
        " 5c1f0e7a-92b4-4d3c-8e61-0af2d7b3c945 : E04B6D18-7f3a-4c25-9ad0-b1c8e2f56a73 ",
    ),
    # What is no UUID may distinguish capitals.
    "Dossier-7:process-7": (" Dossier-7:process-7",),
}


def settings(simulator: str) -> Mapping[str, Any]:
    secrets = [FIRST, SECOND]
    proven = {"authorization_header": secrets, "events_secret": secrets, "events_secret_header": EVENTS_HEADER}
    return {**_common(simulator), **proven}


def unproven_settings(simulator: str) -> Mapping[str, Any]:
    return {**_common(simulator), "unauthenticated": "hint"}


def _common(simulator: str) -> Mapping[str, Any]:
    return {
        "base_url": f"{simulator}/signicat",
        "generations": ["legacy", "events"],
        "client_id": "vigil",
        "client_secret": "conformance-51",
    }


def build_scenario(provider: str, url: str, **options: Any) -> Mapping[str, Any]:
    # Two minutes until the applicant has submitted everything, three until the verdict.
    is_event = options.get("generation") == "events"
    endpoint = {"url": url, "headers": {EVENTS_HEADER if is_event else "Authorization": FIRST}}
    return {"provider": provider, "think": "PT2M", "processing_for": "PT3M", "endpoints": [endpoint], **options}


def scenarios(provider: str, **options: Any) -> tuple[Scenario, Scenario]:
    return partial(build_scenario, provider, **options), partial(
        build_scenario, provider, unknown_status=UNKNOWN, **options
    )


def legacy_callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    dossier, _, process = reference.partition(":")
    body = {"dossierId": dossier, "processId": process, "status": "accepted"}
    if condition is Condition.UNKNOWN_WORD:
        body["status"] = UNKNOWN
    headers = _headers("Authorization", condition)
    return SentRequest(headers, b'{"dossierId": ' if condition is Condition.MALFORMED else json.dumps(body).encode())


def event_callback(condition: Condition, reference: str, at: datetime) -> SentRequest:
    dossier, _, process = reference.partition(":")
    data = {"dossierId": dossier, "processId": process, "status": "accepted", "externalReference": None}
    if condition is Condition.UNKNOWN_WORD:
        data["status"] = UNKNOWN
    body: dict[str, Any] = {
        "id": "1c0ffee0a1b24c3d8e9f001122334455",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "sender": "assure-api",
        "eventName": "process.complete",
        "eventData": "nothing of ours" if condition is Condition.MALFORMED else data,
        "accountId": "a-conformance",
        "organizationId": None,
        "expiresAt": f"{at + timedelta(days=1):%Y-%m-%dT%H:%M:%S.%f}0Z",
        "tags": [],
    }
    whole = json.dumps(body).encode()
    return SentRequest(_headers(EVENTS_HEADER, condition), whole[:40] if condition is Condition.UNPROVABLE else whole)


def _headers(name: str, condition: Condition) -> Mapping[str, str]:
    proof = {
        Condition.FORGED: {},
        Condition.UNPROVEN: {},
        Condition.WRONG_SECRET: {name: "Bearer somebody-elses"},
        Condition.SECOND_SECRET: {name: SECOND},
    }
    return {"Content-Type": "application/json", **proof.get(condition, {name: FIRST})}


def answers(
    success: str, failure: str, *, unknown_coding: int = 200, more: tuple[AnswerRow, ...] = ()
) -> tuple[AnswerRow, ...]:
    """The table of one sender, whose documents say `success` of what it accepts and `failure` of all else."""
    return (
        AnswerRow(success, Condition.GENUINE, 200),
        AnswerRow(
            "what was agreed comes back as it was given, so two may be on their way", Condition.SECOND_SECRET, 200
        ),
        AnswerRow("the list of statuses may grow; sending one again changes nothing", Condition.UNKNOWN_WORD, 200),
        AnswerRow("404 would be taken for our fault, so an unknown process is kept", Condition.UNKNOWN_REFERENCE, 200),
        AnswerRow("400 would be the last word for some, so what cannot be read is kept", Condition.MALFORMED, 200),
        AnswerRow("nothing is signed; without what was agreed it is anybody's", Condition.FORGED, 401),
        AnswerRow("another value than the agreed one is anybody's", Condition.WRONG_SECRET, 401),
        AnswerRow(
            "a secret may be given if needed; where none is, it may wake us and no more", Condition.UNPROVEN, 200
        ),
        AnswerRow("no size is documented; this is no callback of three short words", Condition.OVERSIZED, 413),
        AnswerRow(f"{failure}; it was signalled, so it need not be", Condition.STORAGE_DOWN, 200),
        AnswerRow(f"{failure}; it is kept, so it need not be", Condition.TEMPORAL_DOWN, 200),
        AnswerRow(f"{failure}; 429 holds back nothing else, 503 might", Condition.BOTH_DOWN, 429),
        *rows_of_http(AnswerRow("what it is cannot be read", Condition.UNKNOWN_CODING, unknown_coding)),
        *more,
    )


ONLY_200: Final = (
    MeaningRow("success is 200", (200,), AnswerMeaning.ACCEPTED),
    MeaningRow("any other code is a failure, also one that says success", (201, 202, 204, 299), AGAIN),
    MeaningRow("no code is the last word or holds others back", (301, 400, 401, 404, 410, 413, 429, 500, 503), AGAIN),
    MeaningRow("no answer within 10 s is a failure", (None,), AGAIN),
)
ANY_2XX: Final = MeaningRow("any 200 to 299 is delivered", (200, 201, 204, 299), AnswerMeaning.ACCEPTED)
READID: Final = (
    ANY_2XX,
    MeaningRow("400 ends this notification for good", (400,), AnswerMeaning.NEVER_AGAIN),
    MeaningRow(
        "500 and above, and six codes more, hold back all following notifications for an hour",
        (404, 405, 406, 410, 414, 415, 500, 502, 503, 599),
        AnswerMeaning.HOLD_EVERYTHING,
    ),
    MeaningRow("any other code: this one again after an hour", (301, 401, 403, 409, 413, 422, 429), AGAIN),
    MeaningRow("nothing is said of no answer; it is taken for any other failure", (None,), AGAIN),
)
EVENTS: Final = (
    ANY_2XX,
    MeaningRow("what else it makes of codes is not documented", (301, 400, 401, 413, 429, 500, 503, None), AGAIN),
)

# Who never comes again is asked about early; who does is left the time for it.
FOUND_SOON: Final = timedelta(minutes=4, seconds=12)
FOUND_LATE: Final = timedelta(minutes=15, seconds=30)

LEGACY_ABSENT: Final = {
    Condition.INTERMEDIATE: "a callback is sent once, when the process has come to its end",
    Condition.STALE: "its callbacks carry no time, so none can be recognised as old",
    Condition.UNPROVABLE: "the proof stands in a header, never in the body",
}
EVENTS_ABSENT: Final = {
    Condition.INTERMEDIATE: "the only event about a process tells that it is complete",
    Condition.STALE: "its contract names no age beyond which an event would prove less",
}


def legacy(
    sender: str,
    provider: str,
    *,
    meanings: tuple[MeaningRow, ...] = ONLY_200,
    repeated: str,
    redelivered_after: tuple[timedelta, ...],
) -> SenderKit:
    success = "any 200 to 299" if meanings is READID else "exactly 200, and within 10 s"
    return _kit(
        sender,
        scenarios(provider),
        legacy_callback,
        answers=answers(success, repeated),
        meanings=meanings,
        redelivered_after=redelivered_after,
        found_within=FOUND_LATE if redelivered_after else FOUND_SOON,
        absent=LEGACY_ABSENT,
    )


def _kit(
    sender: str,
    orders: tuple[Scenario, Scenario],
    callback: Callable[[Condition, str, datetime], SentRequest],
    **more: Any,
) -> SenderKit:
    return SenderKit(
        scenario=orders[0],
        unknown_word=orders[1],
        final_at=timedelta(minutes=5),
        decision=Decision.APPROVED,
        callback=callback,
        registered_sender=sender,
        spellings=SPELLINGS,
        **more,
    )


def seconds(*since_the_first: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in since_the_first)


NEVER_RESENT: Final = "it is never sent again"

KIT: Final = Kit(
    settings=settings,
    unfetchable={
        "a picture of an unknown side": snapshot_of(
            {"processId": "p", "status": "accepted", "depictions": ["front", "hologram"]}, process_id="p"
        )
    },
    impossible=("5c1f0e7a", "5c1f0e7a:", "a:b:c", "a b:c", "d\u00f6ssier:c"),
    unproven_settings=unproven_settings,
    senders={
        "onfido": legacy(
            "onfido",
            "onfido",
            repeated="what fails comes again five times",
            redelivered_after=seconds(30, 120, 900, 7200, 36000),
        ),
        "electronic-identification": legacy(
            "electronic-identification",
            "signicatvideoid",
            repeated="what fails comes again after ten minutes, until the 15th attempt",
            redelivered_after=tuple(timedelta(minutes=10 * k) for k in range(1, 15)),
        ),
        "readid": legacy(
            "readid",
            "readid",
            meanings=READID,
            repeated="what fails comes again after an hour, up to 24 times",
            redelivered_after=tuple(timedelta(hours=k) for k in range(1, 25)),
        ),
        "paper": legacy("paper", "signicatpaper", repeated=NEVER_RESENT, redelivered_after=()),
        "connect": legacy("connect", "connect:idmethod", repeated=NEVER_RESENT, redelivered_after=()),
        "other": legacy("other", "signicatpictureid", repeated=NEVER_RESENT, redelivered_after=()),
        "events": _kit(
            "events",
            scenarios("signicatvideoid", generation="events"),
            event_callback,
            answers=answers(
                "the code that counts is not documented; 200 is one for every sender",
                "nothing is repeated after `expiresAt`, and when before is not documented",
                unknown_coding=401,
                more=(
                    AnswerRow(
                        "a body that cannot be read does not say whose it is, and is held to the older one's proof",
                        Condition.UNPROVABLE,
                        401,
                    ),
                ),
            ),
            meanings=EVENTS,
            redelivered_after=(),
            found_within=FOUND_SOON,
            absent=EVENTS_ABSENT,
        ),
    },
)
