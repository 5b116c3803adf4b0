"""Whose turn it is, as `explain` says it of every provider: the real reader, and a server that answers like this."""

from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from tests.domain.samples import T0, callback_event, registration, status
from tests.providers.id360 import samples as id360
from tests.providers.identomat import samples as identomat
from tests.providers.raw_server import Answer, Response, SteadyClock, json_response
from tests.providers.readers import READERS, ReaderCase
from tests.providers.signicat import samples as signicat
from tests.providers.smile_id.v1 import samples as smile_v1
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v3 import samples as smile_v3
from vigil.domain.callbacks import apply_callback, apply_registration, open_record
from vigil.domain.decisions import apply_read
from vigil.domain.errors import ProviderUnavailable, ReferenceUnknown
from vigil.domain.explanation import explain
from vigil.domain.record import Record
from vigil.domain.situation import PendingStep, Queue, Situation
from vigil.domain.snapshot import Answer as Brought
from vigil.domain.snapshot import ReadResult, Snapshot
from vigil.domain.summary import summarize
from vigil.domain.terms import Outcome
from vigil.domain.tracking_plan import MINUTE, TrackingPlan
from vigil.domain.verdict import Cause
from vigil.providers.registry import PROVIDERS

NOW = T0 + timedelta(minutes=20)
PLANS = {
    "id360": PROVIDERS["id360"].contracts["id360"].tracking,
    "signicat": PROVIDERS["signicat"].contracts["onfido"].tracking,
    "identomat": PROVIDERS["identomat"].contracts["identomat"].tracking,
    "smile_id v1": PROVIDERS["smile_id"].contracts["v1"].tracking,
    "smile_id v3": PROVIDERS["smile_id"].contracts["v3"].tracking,
}
CASES = {case.name: case for case in READERS}
DENIALS: dict[str, Answer] = {
    "id360": Response(404),
    "signicat": Response(404),
    "identomat": json_response("SESSION_NOT_FOUND"),
    "smile_id v1": json_response({"code": "2304"}, 400),
    "smile_id v3": json_response({"status": "not_found"}, 404),
}


async def ask(
    case: ReaderCase, answer: Answer | dict[str, Any], http: httpx.AsyncClient, clock: SteadyClock
) -> PendingStep | Snapshot:
    """Return the sleeping poll that an answer leaves behind, or the snapshot that it brings.

    An answer that is a table is one of Smile ID's, to be signed.
    """
    poll = PendingStep(step="poll", queue="provider/acme", attempt=3, is_running=False, next_at=NOW + MINUTE)
    async with case.server().listening() as server:
        server.will_answer(
            case.path, answer if isinstance(answer, Answer) else cast("FakeSmileId", server).sign_response(answer)
        )
        try:
            reply = await case.build(server.base_url, http, clock).read(case.request)
        except ProviderUnavailable as error:
            return poll.model_copy(update={"last_answer": error.code, "is_troubled": True})
        except ReferenceUnknown as error:
            return poll.model_copy(update={"last_answer": f"not_found:{error.code}"})
    assert reply.snapshot is not None
    return reply.snapshot


def registered(plan: TrackingPlan) -> Record:
    record = open_record(registration().key, provider="invented", environment="sandbox", at=T0, plan=plan)
    return apply_registration(record, registration(), plan=plan)


def told(record: Record, snapshot: Snapshot, plan: TrackingPlan) -> Record:
    reading = ReadResult(asked_at=T0, answer=Brought.ANSWERED, snapshot=snapshot)
    return apply_read(record, reading, plan=plan, cause=Cause.POLL)


def explained(record: Record, plan: TrackingPlan, *steps: PendingStep) -> tuple[str, str | None, str]:
    """Return the first clause of the sentence, the actor and the cause."""
    queues = tuple(Queue(name=name, last_asked_at=NOW) for name in ("verifications", "provider/acme"))
    situation = Situation(summary=summarize(record, plan), is_open=True, queues=queues, steps=steps)
    explanation = explain(situation, plan=plan, now=NOW)
    return explanation.sentence.rpartition("; ")[0], explanation.actor, explanation.cause


ANNOUNCED = ("an end was announced; the provider does not answer (503)", "provider", "theirs")
SILENT = ("the provider does not answer (503)", "provider", "theirs")
OVER = ("the provider's answer is over a limit of ours (answer_too_large)", "operator", "ours")
DENIED = ("the provider knows no verification with this reference", "backend", "theirs")
TROUBLES: dict[str, tuple[Answer, tuple[str, str, str]]] = {
    "503 after an announcement": (Response(503), ANNOUNCED),
    "503": (Response(503), SILENT),
    "too large": (Response(200, b" " * (32 * 1024 * 1024 + 1)), OVER),
}


@pytest.mark.parametrize("what", [*TROUBLES, "denied"])
@pytest.mark.parametrize("name", CASES)
async def test_what_is_wrong_is_said_and_the_applicant_is_not_blamed(
    http: httpx.AsyncClient, clock: SteadyClock, name: str, what: str
) -> None:
    answer, expected = TROUBLES.get(what, (DENIALS[name], DENIED))
    step = await ask(CASES[name], answer, http, clock)
    assert isinstance(step, PendingStep)
    record = registered(PLANS[name])
    if what == "503 after an announcement":
        announced = callback_event(status("CANCELED", end=Outcome.CANCELED), at=NOW - MINUTE)
        record = apply_callback(record, announced)

    assert explained(record, PLANS[name], step) == expected


APPLICANT = ("the applicant has not finished", "applicant", "theirs")
WORKING = ("the provider is working", "provider", "theirs")
REVIEWED = ("a reviewer at the provider is looking at it", "reviewer", "theirs")
UNCERTAIN = ("the result is provisional, and the provider promises no review of it", "provider", "theirs")
OTHER = ("the provider's status is not in our tables", "operator", "theirs")
TURNS: dict[str, tuple[str, Answer | dict[str, Any], tuple[str, str, str]]] = {
    "ID360: begun": ("id360", json_response(id360.report(status="STARTED")), APPLICANT),
    "ID360: at an external means": ("id360", json_response(id360.report(status="SP")), WORKING),
    "ID360: a new word": ("id360", json_response(id360.report(status="WITHHELD")), OTHER),
    "Signicat: submitted": ("signicat", json_response(signicat.process(status="processing")), WORKING),
    "Signicat: an agent": (
        "signicat",
        json_response(signicat.process(status="processing", provider="signicatVideoId", processType="attended")),
        REVIEWED,
    ),
    "Identomat: begun": ("identomat", json_response({"result": "in_progress"}), APPLICANT),
    "Identomat: manual check": ("identomat", json_response(identomat.result("manual_check")), REVIEWED),
    "Smile ID: provisional": (
        "smile_id v1",
        smile_v1.frame(smile_v1.result("0814"), history=smile_v1.past("0814", "1012")),
        UNCERTAIN,
    ),
    "Smile ID: one of two parts": ("smile_id v1", smile_v1.frame(smile_v1.result("0812")), WORKING),
    "Smile ID: blocked": ("smile_id v1", smile_v1.frame(smile_v1.result("0846", 4)), UNCERTAIN),
    "Smile ID v3: processing": ("smile_id v3", json_response(smile_v3.status("processing"), 202), WORKING),
}


@pytest.mark.parametrize("what", TURNS)
async def test_without_a_trouble_the_provider_s_answer_says_whose_turn_it_is(
    http: httpx.AsyncClient, clock: SteadyClock, what: str
) -> None:
    name, answer, expected = TURNS[what]
    snapshot = await ask(CASES[name], answer, http, clock)
    assert isinstance(snapshot, Snapshot)

    assert explained(told(registered(PLANS[name]), snapshot, PLANS[name]), PLANS[name]) == expected


def test_an_address_that_the_provider_does_not_allow_is_named_and_not_the_credentials() -> None:
    plan = PLANS["smile_id v3"]
    reading = ReadResult(asked_at=T0, answer=Brought.REFUSED, word="address_not_allowed")
    record = apply_read(registered(plan), reading, plan=plan, cause=Cause.POLL)
    poll = PendingStep(step="poll", queue="provider/acme", attempt=3, is_running=False, next_at=NOW + MINUTE)
    step = poll.model_copy(update={"last_answer": "refused:address_not_allowed"})

    assert explained(record, plan, step) == (
        "the worker's address is not on the provider's list of allowed addresses: have it added there",
        "operator",
        "ours",
    )
