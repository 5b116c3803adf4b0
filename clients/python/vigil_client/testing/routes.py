"""The HTTP of the fake: from a request to an answer, with the problems that the API answers."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import parse_qsl, unquote

import httpx

from vigil_client.models import (
    Commanded,
    Entry,
    Evidence,
    Key,
    Listed,
    Model,
    Notifications,
    OwedNotification,
    Page,
    Registered,
    Resent,
    Timeline,
)
from vigil_client.testing.archive import build_export
from vigil_client.testing.erasure import ERASURE, answer_erasure
from vigil_client.testing.refusals import Refused
from vigil_client.testing.registering import Registry, register
from vigil_client.testing.requests import DeadlineBody, ListQuery, RegistrationBody, read_body, read_query
from vigil_client.testing.verification import FakeVerification, revision_of
from vigil_client.words import Decision, FileState, Outcome, Stage

_PARTS: Final = "explanation|timeline|evidence|claims|result|notifications|export"
_PART: Final = re.compile(rf"/verifications/([^/]+)/(.+?)(?:/({_PARTS})(?:/([^/]+))?)?")
_COMMAND: Final = re.compile(r"/verifications/([^/]+)/(.+)/(poll|withdraw|resolve|deadline)")
_RESEND: Final = re.compile(r"/verifications/([^/]+)/(.+)/notifications/resend")
_OF_THE_STATE: Final = ("stage", "decision", "outcome", "applicant")


class World(Registry, Protocol):
    """What the routes need of the fake."""

    key: str

    def all(self) -> list[FakeVerification]:
        """Return all verifications, the newest first."""
        ...

    def wait(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """Let time pass until it is enough, for so many seconds at most."""
        ...

    def owed(self, verification: FakeVerification) -> tuple[OwedNotification, ...]:
        """Return how each notification of a verification stands."""
        ...

    def resend(self, verification: FakeVerification) -> tuple[str, ...]:
        """Queue the newest verdict again, and return the endpoints."""
        ...

    def publish_verdict(self, verification: FakeVerification, revision: Any) -> None:
        """Publish a verdict and queue its notifications."""
        ...


def answer(request: httpx.Request, world: World) -> httpx.Response:
    """Answer one request."""
    try:
        return _answer(request, world)
    except Refused as refused:
        return refused.response


def _answer(request: httpx.Request, world: World) -> httpx.Response:
    if request.headers.get("authorization") != f"Bearer {world.key}":
        raise Refused(401, "not_authorized")
    path = request.url.raw_path.decode().partition("?")[0]
    if found := ERASURE.fullmatch(path):
        return answer_erasure(_find(found[1], found[2], world), found[3], request, now=world.now)
    return _answer_post(path, request, world) if request.method == "POST" else _answer_get(path, request, world)


def _answer_post(path: str, request: httpx.Request, world: World) -> httpx.Response:
    if path == "/verifications":
        return _register(read_body(RegistrationBody, request.content), world)
    if found := _RESEND.fullmatch(path):
        return _json(Resent(endpoints=world.resend(_find(found[1], found[2], world))))
    if found := _COMMAND.fullmatch(path):
        return _command(_find(found[1], found[2], world), found[3], request, world)
    raise Refused(404, "no_such_path")


def _answer_get(path: str, request: httpx.Request, world: World) -> httpx.Response:
    params = dict(parse_qsl(request.url.query.decode()))
    found = _PART.fullmatch(path)
    if path == "/verifications":
        return _list(read_query(ListQuery, params), world)
    if found is None or request.method != "GET":
        raise Refused(404, "no_such_path")
    verification = _find(found[1], found[2], world)
    match found[3]:
        case None:
            return _read(verification, params, world)
        case "notifications":
            return _json(Notifications(notifications=world.owed(verification)))
        case "export":
            content = build_export(verification, _timeline_of(verification), world.owed(verification))
            return httpx.Response(200, content=content, headers={"content-type": "application/zip"})
        case part:
            return _part(verification, part, found[4], request)


def _json(model: Model, status: int = 200, **headers: str) -> httpx.Response:
    content = model.model_dump_json().encode()
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **headers})


def _find(account: str, reference: str, world: World) -> FakeVerification:
    name = unquote(account)
    if name not in world.accounts:
        raise Refused(404, "unknown_account")
    found = world.find(name, unquote(reference))
    if found is None:
        raise Refused(404, "unknown_verification")
    return found


def _register(body: RegistrationBody, world: World) -> httpx.Response:
    verification, is_known = register(body, world)
    registered = Registered(
        account=verification.account, reference=verification.reference, registered="known" if is_known else "started"
    )
    location = f"/verifications/{Key(verification.account, verification.shown_reference).url_path}"
    return _json(registered, 200 if is_known else 201, location=location)


def _list(query: ListQuery, world: World) -> httpx.Response:
    if query.page is not None and not query.page.isdecimal():
        raise Refused(422, "invalid_page")
    found = [each for each in world.all() if _meets(each, query)]
    first, limit = int(query.page or "0"), query.limit
    rows = tuple(
        Listed(
            account=each.account,
            reference=each.shown_reference,
            is_open=each.view().is_open,
            interrupted=False,
            stuck=False,
            started_at=each.opened_at,
            state=each.state(),
        )
        for each in found[first : first + limit]
    )
    return _json(Page(verifications=rows, next_page=str(first + limit) if len(found) > first + limit else None))


def _meets(verification: FakeVerification, query: ListQuery) -> bool:
    """Whether a verification meets every filter. None is ever stuck: the fake has no workflows."""
    state, view, at = verification.state(), verification.view(), verification.opened_at
    meets = {
        "account": view.account == query.account,
        **{name: getattr(state, name) == getattr(query, name) for name in _OF_THE_STATE},
        "attention": query.attention in {note.reason for note in state.attention},
        "opened_after": query.opened_after is not None and at > query.opened_after,
        "opened_before": query.opened_before is not None and at < query.opened_before,
        "is_open": view.is_open == query.is_open,
        "stuck": not query.stuck,
    }
    return all(meets[name] for name in set(meets) & set(query.model_dump(exclude_none=True)))


def _read(verification: FakeVerification, params: Mapping[str, str], world: World) -> httpx.Response:
    after, until = int(params.get("after_sequence", "0")), params.get("until", "change")

    def is_enough() -> bool:
        is_reached = {
            "outcome": verification.outcome is not None,
            "complete": verification.stage == Stage.COMPLETE,
        }
        return verification.sequence > after and is_reached.get(until, True)

    if "wait" in params:
        world.wait(is_enough, float(params["wait"]))
    return _json(verification.view())


def _part(verification: FakeVerification, part: str, name: str | None, request: httpx.Request) -> httpx.Response:
    if verification.erasure is not None and part != "explanation":
        raise Refused(410, "data_erased")
    match part, name:
        case "explanation", None:
            return _json(verification.explanation())
        case "timeline", None:
            return _json(_timeline_of(verification))
        case "claims", None:
            return _json(verification.claims() or _refuse_without_result())
        case "result", None:
            return httpx.Response(200, json=verification.result or _refuse_without_result())
        case "evidence", None:
            return _json(Evidence(evidence=tuple(row for row, _ in verification.files.values())))
        case _:
            return _download(verification, unquote(name or ""), request)


def _timeline_of(verification: FakeVerification) -> Timeline:
    entries = [Entry(at=verification.opened_at, kind="registered", details=(), actor=None)]
    entries += [
        Entry(at=each.at, kind="revised", details=(str(each.decision or each.outcome or "reopened"),), actor=None)
        for each in verification.revisions
    ]
    return Timeline(entries=tuple(entries), omitted=0)


def _refuse_without_result() -> NoReturn:
    raise Refused(409, "no_result")


def _download(verification: FakeVerification, name: str, request: httpx.Request) -> httpx.Response:
    if name not in verification.files:
        raise Refused(404, "unknown_file")
    row, content = verification.files[name]
    if row.state != FileState.STORED:
        raise Refused(409, f"file_{row.state}")
    digest = hashlib.sha256(content).digest()
    etag = f'"{digest.hex()[:26]}"'
    found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    start = int(found[1]) if found and request.headers.get("if-range", etag) == etag else 0
    headers = {"etag": etag, "content-type": row.media_type or "application/octet-stream"}
    if "want-repr-digest" in request.headers:
        headers["repr-digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
    if start:
        headers["content-range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return httpx.Response(206 if start else 200, content=content[start:], headers=headers)


def _command(verification: FakeVerification, name: str, request: httpx.Request, world: World) -> httpx.Response:
    key = request.headers.get("idempotency-key", "")
    said = f"{name} {request.content.decode()}"
    if key in verification.commands:
        before, result = verification.commands[key]
        if before != said:
            raise Refused(422, "idempotency_key_reused")
        return _json(result)
    if verification.erasure is not None:
        raise Refused(410, "data_erased")
    body = json.loads(request.content or b"{}")
    _carry_out(verification, name, body, world)
    state = verification.state()
    result = Commanded(
        revision=state.revision,
        sequence=state.sequence,
        stage=state.stage,
        decision=state.decision,
        outcome=state.outcome,
    )
    verification.commands[key] = said, result
    return _json(result, **{"idempotency-key": key})


def _carry_out(verification: FakeVerification, name: str, body: Mapping[str, Any], world: World) -> None:
    number = len(verification.revisions) + 1
    match name:
        case "withdraw" if verification.outcome:
            raise Refused(409, "command_refused", detail="it has an outcome")
        case "withdraw":
            world.publish_verdict(verification, revision_of(number, world.now, Outcome.WITHDRAWN))
        case "resolve" if body.get("decision") not in set(Decision):
            raise Refused(422, "invalid_request", "body.decision")
        case "resolve":
            decision = Decision(body["decision"])
            reasons = (str(body.get("reason", "other")),)
            verdict = revision_of(number, world.now, Outcome.DECIDED, decision, reasons=reasons, author="local")
            world.publish_verdict(verification, verdict)
        case "deadline":
            verification.deadline_at = read_body(DeadlineBody, json.dumps(body).encode()).deadline_at
            verification.sequence += 1
