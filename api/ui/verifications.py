"""Pages of verifications: the list, the queue of those that need a person, and one with everything known of it."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, Field, ValidationError, model_validator
from starlette.responses import RedirectResponse, StreamingResponse
from temporalio.service import RPCError

from api.auth import Backend, backend_of
from api.commands import COMMAND_ID
from api.dependencies import Caller, Dependencies, Key, Needs, Process
from api.notifications import send_newest_again
from api.problems import Problem
from api.security_headers import served_media_type
from api.ui.access import HOME
from api.ui.rendering import render
from api.ui.routing import Form, PageRoute, require_tick
from vigil.audit import Read
from vigil.config.keys import Right
from vigil.domain.attention import what_attention_means
from vigil.domain.explanation import Explanation, explain
from vigil.domain.log import EntryKind
from vigil.domain.notification import NotificationRow
from vigil.domain.record import Record
from vigil.domain.remedies import find_remedy
from vigil.domain.situation import Situation
from vigil.domain.terms import ArtifactState, Attention, Decision, Outcome, Stage, who_acts
from vigil.domain.verification_key import VerificationKey, workflow_id
from vigil.errors import DataErased, RecordNotStored, RecordUnavailable, RecordUnreadable
from vigil.listing import Filters, ListedPage, ListedRun, PageTokens, Reach, list_verifications, search_query
from vigil.lookup import KnownVerification
from vigil.storage.contract import StorageError
from vigil.temporal import messages
from vigil.temporal.ui_links import link_workflow

PAGE_SIZE: Final = 50
PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})

router: Final = APIRouter(
    prefix=HOME, include_in_schema=False, route_class=PageRoute, dependencies=[Depends(Needs(Right.READ))]
)

_log = structlog.get_logger("vigil.api")


class ListForm(Filters):
    """The form above the list. A search finds by applicant and by reference, whatever else the form says."""

    q: Annotated[str, AfterValidator(str.strip)] = Field("", max_length=200)
    needs: Literal["attention"] | None = None
    page: str | None = Field(None, max_length=4096)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """A browser sends every field of a form."""
        return {name: value for name, value in given.items() if value not in {"", None}}


@dataclass(frozen=True)
class Row:
    """One verification in a list. `explanation` is made of the published state alone, without asking Temporal."""

    run: ListedRun
    explanation: Explanation

    @property
    def actor(self) -> str | None:
        """Who acts. Of a verification that has ended, whoever its first reason for attention names."""
        first = next(iter(_attention(self.run)), None)
        acts = self.explanation.actor or (who_acts(first) if first is not None else None)
        return str(acts) if acts is not None else None

    @property
    def href(self) -> str:
        """The address of its page."""
        return f"{HOME}/verifications/{self.run.account}/{self.run.encoded_reference}"


@dataclass(frozen=True)
class NeedOfAPerson:
    """A reason for attention: what it means, who acts and what to do."""

    reason: str
    meaning: str
    actor: str
    remedy: str

    @classmethod
    def of(cls, reason: Attention | str) -> "NeedOfAPerson":
        """Return what the runbook says about a reason."""
        return cls(str(reason), what_attention_means(reason), str(who_acts(reason)), find_remedy(reason))


@router.get("")
async def show_list(request: Request, caller: Caller, process: Process, form: Annotated[ListForm, Query()]) -> Response:
    """Show one row for each verification, the newest first."""
    found = await _find(caller, process, form)
    # An account that the settings no longer have has no pages.
    rows = [Row(run, _explain(run, process)) for run in found.runs if run.account in process.accounts]
    context = {
        "rows": rows,
        "needs": {str(each): NeedOfAPerson.of(each) for row in rows for each in _attention(row.run)},
        "form": form,
        "is_queue": form.needs is not None,
        "accounts": sorted(_reachable(caller, process)),
        "choices": {
            "stage": list(Stage),
            "decision": list(Decision),
            "outcome": list(Outcome),
            "attention": list(Attention),
        },
        "is_narrowed": bool(form.applicant or form.opened_after or form.opened_before),
        "next_page": str(request.url.include_query_params(page=found.next_page).query) if found.next_page else None,
    }
    return _page("verifications.html", request, context)


async def _find(caller: Backend, process: Dependencies, form: ListForm) -> ListedPage:
    if form.account is not None:
        caller.require_account(form.account)
    reach = Reach(caller.accounts, caller.name if caller.own_only else None)
    query: str | None = form.query(
        accounts=reach.accounts, needs_attention=form.needs is not None, digester=process.digester
    )
    if form.q:
        names = _reachable(caller, process)
        query = search_query(form.q, _paths(form.q, names, process), names, process.digester)
    if query is None:
        return ListedPage(runs=(), next_page=None)
    tokens = PageTokens(process.digester)
    return await list_verifications(
        process.tracker.client, query, reach, page=form.page, limit=PAGE_SIZE, tokens=tokens
    )


def _paths(reference: str, accounts: frozenset[str], process: Dependencies) -> Iterator[str]:
    """Yield where each account would keep a verification of this reference."""
    for name in accounts:
        try:
            yield process.tracker.path(process.tracker.account(name).key_of(reference))
        except ValidationError:
            continue


def _reachable(caller: Backend, process: Dependencies) -> frozenset[str]:
    return frozenset(name for name in process.accounts if caller.may_use(name))


def _explain(run: ListedRun, process: Dependencies) -> Explanation:
    situation = Situation(
        summary=run.summary,
        is_open=run.is_open,
        is_unreadable=run.is_unreadable,
        interruption=run.interruption,
        reference=run.encoded_reference,
    )
    plan = process.accounts[run.account].plan_for(run.summary.sender if run.summary else None)
    return explain(situation, plan=plan, now=datetime.now(UTC))


def _attention(run: ListedRun) -> tuple[Attention | str, ...]:
    return run.summary.attention if run.summary else ()


@router.get("/verifications/{account}/{reference:path}/files/{name}", dependencies=[Depends(Needs(Right.PERSONAL))])
async def show_picture(key: Key, name: str, caller: Caller, process: Process) -> Response:
    """Return a stored picture to a page. Each leaves a line in the audit log."""
    record = await process.lookup.read_record(key)
    row = next((row for row in record.evidence if row.name == name), None)
    if row is None or row.state is not ArtifactState.STORED or row.stored_as is None or row.media_type not in PICTURES:
        raise Problem(404, "unknown_file", "The verification has no picture of that name")
    await process.note_read(caller, Read.PICTURE, key, row.name)
    return StreamingResponse(process.storage.open(row.stored_as), media_type=served_media_type(row.media_type))


@router.post("/verifications/{account}/{reference:path}/commands/{command}")
async def run_command(key: Key, command: str, caller: Caller, process: Process, form: Form) -> Response:
    """Run a command of the form, once for each form that was shown, and go back to the page."""
    require_tick(form)
    command_id = form.get("command_id", "")
    if not COMMAND_ID.fullmatch(command_id):
        raise Problem(422, "invalid_request", "The form has no id of ours: load the page again")
    name, argument, right = _command(command, form, caller)
    caller.require_right(right)
    known = await process.lookup.get(key)  # a command to an unknown verification would start one
    if known.tombstone is not None:
        raise DataErased
    await process.tracker.command(key, name, argument, command_id=command_id, within=process.command_timeout)
    _log.info("command.sent", caller=caller.name, account=key.account, command=command)
    return RedirectResponse(_address(key, process), 303)


def _command(command: str, form: Mapping[str, str], caller: Backend) -> tuple[str, messages.AnyCommand, Right]:
    match command:
        case "poll":
            return "poll_now", messages.PollNow(author=caller.name), Right.COMMAND
        case "withdraw":
            return "withdraw", messages.Withdraw(author=caller.name), Right.COMMAND
        case "resolve" if form.get("decision") in set(Decision):
            decision = Decision(form["decision"])
            return "resolve", messages.Resolve(author=caller.name, decision=decision), Right.RESOLVE
        case _:
            raise Problem(422, "invalid_request", "Choose a decision")


@router.post(
    "/verifications/{account}/{reference:path}/notifications/resend", dependencies=[Depends(Needs(Right.COMMAND))]
)
async def resend(key: Key, caller: Caller, process: Process, form: Form) -> Response:
    """Notify the endpoints of the newest verdict again, and go back to the page."""
    require_tick(form)
    await send_newest_again(key, caller, process)
    _log.info("command.sent", caller=caller.name, account=key.account, command="resend")
    return RedirectResponse(_address(key, process), 303)


@router.get("/verifications/{account}/{reference:path}")
async def show_verification(key: Key, caller: Caller, process: Process, request: Request) -> Response:
    """Show one verification. `htmx` asks again for the part that changes."""
    known = await process.lookup.get(key)
    (record, silence), notifications = await asyncio.gather(
        _current_record(known, process), _notifications(key, process)
    )
    path = process.tracker.path(key)
    situation, summary = known.situation, known.situation.summary
    address = _address(key, process)
    id_in_temporal = workflow_id(path)
    context: dict[str, Any] = {
        "key": key,
        "path": path,
        "address": address,
        "situation": situation,
        "summary": summary,
        "record": record,
        "tombstone": known.tombstone,
        "silence": silence,
        "explanation": process.lookup.explain_known(known, notifications or (), datetime.now(UTC)),
        "notifications": notifications,
        "needs": [NeedOfAPerson.of(reason) for reason in (summary.attention if summary else ())],
        "timeline": sorted(record.log.entries, key=lambda entry: entry.at, reverse=True) if record else [],
        "callbacks": await process.callback_rows.read(record, path) if record else [],
        "reads": [each for each in record.log.entries if each.kind == EntryKind.READ][::-1] if record else [],
        "pictures": PICTURES,
        "may": {right.value: right in caller.rights for right in Right},
        "decisions": list(Decision),
        "command_id": secrets.token_hex(16),
        "workflow_id": id_in_temporal,
        "temporal_link": link_workflow(process.temporal_ui, id_in_temporal) if process.temporal_ui else None,
    }
    is_part = request.headers.get("hx-request") == "true"
    return _page("_state.html" if is_part else "verification.html", request, context)


async def _current_record(known: KnownVerification, process: Dependencies) -> tuple[Record | None, str | None]:
    """Return the current record, or the stored one with the reason why it may be old."""
    try:
        return await process.lookup.read_current_record(known), None
    except RecordUnavailable:
        return known.record, "It is open and no worker answers, so the timeline and the files may be old."
    except RecordUnreadable:
        return known.record, "A later release wrote its record, and this one cannot read it."
    except (DataErased, RecordNotStored):
        return known.record, None


async def _notifications(key: VerificationKey, process: Dependencies) -> list[NotificationRow] | None:
    """Return how each notification stands; None if nobody can say now."""
    try:
        return await process.lookup.read_notifications(key)
    except (RPCError, StorageError):
        return None


def _address(key: VerificationKey, process: Dependencies) -> str:
    return f"{HOME}/verifications/{process.tracker.path(key)}"


def _page(template: str, request: Request, context: Mapping[str, Any]) -> Response:
    return render(template, {"caller": backend_of(request), "now": datetime.now(UTC), **context})
