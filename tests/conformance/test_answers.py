"""Whatever comes, in whatever state we are, the answer is the one that works for this sender."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import endpoint_of, in_process
from tests.api.fakes import Desk
from tests.conformance.cases import KITS, SENDERS, contract_of, kit_for
from tests.conformance.kit import BUILT_BY_THE_SUITE, AnswerRow, Condition, SenderKit, SentRequest
from tests.conformance.rig import account_of, configured
from tests.simulator.step_clock import StepClock
from vigil.config.accounts import OpenAccount, build_account
from vigil.domain.callback_event import Unreadable
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import SessionKind
from vigil.outbound_http import certificates
from vigil.providers.registry import PROVIDERS
from vigil.simulator.engine import Engine
from vigil.simulator.registry import SIMULATED

NOWHERE = "http://127.0.0.1:9"
TOO_MUCH = 2 * 1024 * 1024 + 1
RECEIPTS, PENDING, QUARANTINED, REFUSED = "receipts", "inbox/pending", "inbox/quarantined", "inbox/refused"

# condition -> whether a verification is told, and where it is kept in the end
EFFECTS: dict[Condition, tuple[bool, set[str]]] = {
    Condition.GENUINE: (True, {RECEIPTS}),
    Condition.INTERMEDIATE: (True, {RECEIPTS}),
    Condition.SECOND_SECRET: (True, {RECEIPTS}),
    Condition.UNKNOWN_WORD: (True, {RECEIPTS}),
    Condition.FORGED: (False, {REFUSED}),
    Condition.WRONG_SECRET: (False, {REFUSED}),
    Condition.STALE: (True, {RECEIPTS}),
    Condition.UNPROVEN: (True, {RECEIPTS}),
    Condition.UNPROVABLE: (False, {REFUSED}),
    Condition.OVERSIZED: (False, {REFUSED}),
    Condition.GZIPPED: (True, {RECEIPTS}),
    Condition.DEFLATED: (True, {RECEIPTS}),
    Condition.OTHER_CHARSET: (True, {RECEIPTS}),
    Condition.PADDED_HEADERS: (True, {RECEIPTS}),
    Condition.REPEATED_HEADERS: (True, {RECEIPTS}),
    Condition.STORAGE_DOWN: (True, set()),
    Condition.TEMPORAL_DOWN: (False, {PENDING}),
    Condition.BOTH_DOWN: (False, set()),
}
ALTERED: dict[Condition, Callable[[Mapping[str, str], bytes], SentRequest]] = {
    Condition.OVERSIZED: lambda headers, body: SentRequest(headers, body.ljust(TOO_MUCH)),
    Condition.GZIPPED: lambda headers, body: SentRequest({**headers, "Content-Encoding": "gzip"}, gzip.compress(body)),
    Condition.DEFLATED: lambda headers, body: SentRequest(
        {**headers, "Content-Encoding": "deflate"}, zlib.compress(body)
    ),
    Condition.UNKNOWN_CODING: lambda headers, body: SentRequest(
        {**headers, "Content-Encoding": "br"}, b"\x0b\x02\x80" + body[1:]
    ),
    Condition.OTHER_CHARSET: lambda headers, body: SentRequest(
        {**headers, "Content-Type": "application/json; charset=UTF-16LE"}, body.decode().encode("utf-16le")
    ),
    Condition.PADDED_HEADERS: lambda headers, body: SentRequest(
        {name: f" {value} \t" for name, value in headers.items()}, body
    ),
}
"""How the suite makes the callback of a condition from a genuine one."""
ROWS = [
    pytest.param(provider, sender, row, id=f"{provider}-{sender}-{row.condition}-{number}")
    for provider, sender in SENDERS
    for number, row in enumerate(kit_for(provider, sender).answers)
]
ABSENT = [
    pytest.param(reason, id=f"{provider}-{sender}-{condition}")
    for provider, sender in SENDERS
    for condition, reason in kit_for(provider, sender).absent.items()
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=certificates(), trust_env=False) as client:
        yield client


def opened(provider: str, http: httpx.AsyncClient, *, hints: bool) -> OpenAccount:
    kit = KITS[provider]
    settings = kit.unproven_settings if hints and kit.unproven_settings else kit.settings
    account = configured(provider, settings(NOWHERE))
    name = account_of(provider)
    opened = PROVIDERS[provider].open_account(name, account.own, http)
    return build_account(opened, account, time_scale=1)


async def reference_at(provider: str, kit: SenderKit, http: httpx.AsyncClient) -> str:
    """A reference such as the provider gives one."""
    engine = Engine(http, StepClock().at_scale(1))
    view = SIMULATED[provider](engine).begin(json.dumps(dict(kit.scenario(NOWHERE))).encode())
    await engine.aclose()
    return view.reference


def sent_under(condition: Condition, kit: SenderKit, reference: str) -> SentRequest:
    is_ours = condition in BUILT_BY_THE_SUITE or condition is Condition.UNKNOWN_REFERENCE
    built = kit.callback(Condition.GENUINE if is_ours else condition, reference, datetime.now(UTC))
    alter = ALTERED.get(condition)
    return alter(built.headers, built.body) if alter else built


async def answered(desk: Desk, account: str, sent: SentRequest, *, times: int = 1) -> int:
    """Return the answer to a callback that has each header so many times."""
    async with in_process(endpoint_of(desk)) as client:
        headers = list(sent.headers.items()) * times
        answer = await client.post(f"/callbacks/{account}", content=sent.body, headers=headers)
    desk.storage.down = False
    assert answer.content == b""
    return answer.status_code


async def kept_in(desk: Desk) -> set[str]:
    names = [name for name in await desk.names() if "/seen" not in name and "/signatures" not in name]
    return {RECEIPTS if name.endswith(f"/{RECEIPTS}") else name for name in names}


@pytest.mark.parametrize(("provider", "sender", "row"), ROWS)
async def test_the_answer_is_the_one_that_the_documents_ask_for(
    tmp_path: Path, http: httpx.AsyncClient, provider: str, sender: str, row: AnswerRow
) -> None:
    kit = kit_for(provider, sender)
    account = opened(provider, http, hints=row.condition is Condition.UNPROVEN)
    reference = await reference_at(provider, kit, http)
    desk = Desk(tmp_path, account)
    if row.condition is not Condition.UNKNOWN_REFERENCE:
        desk.verifications.open.add(reference)
    desk.storage.down = row.condition in {Condition.STORAGE_DOWN, Condition.BOTH_DOWN}
    desk.verifications.down = row.condition in {Condition.TEMPORAL_DOWN, Condition.BOTH_DOWN}

    times = 2 if row.condition is Condition.REPEATED_HEADERS else 1
    code = await answered(desk, account.name, sent_under(row.condition, kit, reference), times=times)

    told = [told for told, _ in desk.verifications.signaled]
    assert code == row.code, row.statement
    if row.condition is Condition.MALFORMED:
        assert await kept_in(desk) in ({RECEIPTS}, {QUARANTINED})
    elif row.condition is Condition.UNKNOWN_CODING:
        seen = [event.observation for _, event in desk.verifications.signaled]
        named = [each.encoding for each in seen if isinstance(each, Unreadable)]
        named += [each.encoding for each in await desk.inbox.refusals(9)]
        named += [each.encoding for each in (await desk.inbox.quarantined(9)).callbacks]
        assert named == ["content-encoding.br"]
    elif row.condition is Condition.UNKNOWN_REFERENCE:
        assert told == ([reference] if kit.starts else [])
        assert await kept_in(desk) == {RECEIPTS if kit.starts else QUARANTINED}
    else:
        is_told, kept = EFFECTS[row.condition]
        assert told == ([reference] if is_told else [])
        assert await kept_in(desk) == kept


@pytest.mark.parametrize("condition", [Condition.STALE, Condition.UNPROVEN])
@pytest.mark.parametrize(("provider", "sender"), SENDERS)
async def test_what_is_weakly_proven_starts_nothing_and_is_kept(
    tmp_path: Path, http: httpx.AsyncClient, provider: str, sender: str, condition: Condition
) -> None:
    kit = kit_for(provider, sender)
    if condition in kit.absent:
        pytest.skip(kit.absent[condition])
    account = opened(provider, http, hints=condition is Condition.UNPROVEN)
    desk = Desk(tmp_path, account)

    code = await answered(desk, account.name, sent_under(condition, kit, await reference_at(provider, kit, http)))

    assert code == 200
    assert desk.verifications.started == []
    assert await kept_in(desk) == {QUARANTINED}


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_no_code_that_we_answer_ends_or_holds_back_what_a_sender_would_send(provider: str, sender: str) -> None:
    kit, contract = kit_for(provider, sender), contract_of(provider, sender)
    harmful = {AnswerMeaning.NEVER_AGAIN, AnswerMeaning.HOLD_EVERYTHING}
    answers = contract.answers
    codes = {row.code for row in kit.answers} | {answers.kept, answers.lost, answers.unproven, answers.too_large}

    assert not {code for code in codes if contract.answering.meaning_of(code) in harmful}


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_what_we_answer_to_a_callback_that_is_safe_with_us_is_what_its_sender_takes_for_accepted(
    provider: str, sender: str
) -> None:
    kit, contract = kit_for(provider, sender), contract_of(provider, sender)
    safe = {Condition.GENUINE, Condition.INTERMEDIATE, Condition.UNKNOWN_WORD, Condition.UNKNOWN_REFERENCE}
    safe |= {Condition.MALFORMED, Condition.TEMPORAL_DOWN}
    unsafe = {Condition.BOTH_DOWN}
    (unsafe if contract.tracking.details_in_callbacks else safe).add(Condition.STORAGE_DOWN)
    codes = {row.code for row in kit.answers if row.condition in safe}
    lost = {row.code for row in kit.answers if row.condition in unsafe}

    assert {contract.answering.meaning_of(code) for code in codes} == {AnswerMeaning.ACCEPTED}
    assert {contract.answering.meaning_of(code) for code in lost} == {AnswerMeaning.COME_AGAIN}


@pytest.mark.parametrize("reason", ABSENT)
def test_a_condition_that_a_sender_cannot_have_is_shown_with_the_reason(reason: str) -> None:
    pytest.skip(reason)


@pytest.mark.parametrize(("provider", "sender"), [each for each in SENDERS if kit_for(*each).unknown_session_kind])
async def test_a_kind_of_session_that_nobody_knows_is_accepted_and_noted(
    tmp_path: Path, http: httpx.AsyncClient, provider: str, sender: str
) -> None:
    build = kit_for(provider, sender).unknown_session_kind
    assert build is not None
    account = opened(provider, http, hints=False)
    reference = next(iter(kit_for(provider, sender).spellings))
    desk = Desk(tmp_path, account)
    desk.verifications.open.add(reference)

    code = await answered(desk, account.name, build(reference, datetime.now(UTC)))

    assert code == 200
    assert [event.session_kind for _, event in desk.verifications.signaled] == [SessionKind.UNRECOGNISED]
