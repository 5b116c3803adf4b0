"""Every operation of the API, written once. `client` runs them with and without `await`."""

import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NotRequired, Protocol, TypeAlias, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import httpx

from vigil_client.calls import IDEMPOTENCY_HEADER, Pause, Retry, Send, Steps, call
from vigil_client.claims import Claims
from vigil_client.downloads import download
from vigil_client.errors import NotYet
from vigil_client.exports import check_export
from vigil_client.models import (
    Commanded,
    Erasure,
    Evidence,
    Explanation,
    File,
    Hold,
    Key,
    Listed,
    Model,
    Named,
    Notifications,
    OwedNotification,
    Page,
    Registered,
    Resent,
    Timeline,
    Verification,
)
from vigil_client.words import Decision, Stage

LONG_POLL: Final = 25
"""Seconds that one request waits at most; proxies often cut a silent connection after 30."""
_MARGIN: Final = 15
"""Seconds that the answer to a long poll may take beyond its wait."""
_RECORD_STORED_AFTER: Final = 0.2
"""In seconds."""
_WITHOUT_NEWS: Final = 1.0
"""Seconds between two questions while the server has no news and yet answers at once."""
_VERIFICATIONS: Final = "/verifications"

ModelT = TypeVar("ModelT", bound=Model)
Until: TypeAlias = Literal["outcome", "complete"]


class Registration(TypedDict, total=False):
    """What a registration may say besides account and reference; docs/notifications.md and the README explain it."""

    applicant: str
    correlation: str
    coordinates: Mapping[str, str]
    sender: str
    session_kind: str
    expects: Sequence[str]
    evidence: Sequence[str] | Literal["all", "none"]
    deadline_at: datetime
    review_deadline_at: datetime
    notify: Sequence[str]


class Filters(TypedDict, total=False):
    """Conditions that every listed verification meets."""

    account: str
    stage: str
    decision: str
    outcome: str
    attention: str
    applicant: str
    opened_after: datetime
    opened_before: datetime
    is_open: bool
    stuck: bool


class Repeatable(TypedDict):
    """`idempotency_key`: give the key of a command that failed, to carry it out once; by default a new one."""

    idempotency_key: NotRequired[str]


class Shell(Protocol):
    """What an operation needs of the client that runs it."""

    retry: Retry
    clock: Callable[[], float]
    long_poll: int


def register(
    shell: Shell, account: str, reference: str | None = None, **more: Unpack[Registration]
) -> Steps[Registered]:
    """Register a verification that was created at the provider. May be repeated.

    Without a reference give `coordinates`: the provider is asked for it. While it has none, the call is repeated as
    `retry` says.

    Raises:
        ConflictingRegistration: it is registered with other values.
        CorrelationTaken: the correlation belongs to another verification.
        ProcessNotYetKnown: the provider has nothing for the coordinates yet.
        InvalidRequest: the request is at fault; `fields` names the fields.

    """
    body = {"account": account, "reference": reference, **more}
    filled = {name: _plain(value) for name, value in body.items() if value is not None}
    response = yield from call(Send("POST", _VERIFICATIONS, json=filled), shell.retry)
    path = response.headers.get("location", "").partition(f"{_VERIFICATIONS}/")[2]
    return _read(response, Registered).at(path)


def get(shell: Shell, verification: Named) -> Steps[Verification]:
    """Return the present state and the last stored record. Raises `UnknownVerification`."""
    return (yield from _get_state(shell, verification, {}))


def wait(
    shell: Shell, verification: Named, until: Until = "outcome", *, within: timedelta = timedelta(minutes=5)
) -> Steps[Verification]:
    """Wait for the verdict, or until every file is stored or lost too (`complete`), and return the verification.

    Raises:
        NotYet: `within` is over; the error has the last known state.
        UnknownVerification: nobody registered it.

    """
    ends = shell.clock() + within.total_seconds()
    known = yield from _get_state(shell, verification, {})
    asked_at, told = -math.inf, -1
    while not _has_reached(known, until):
        now = shell.clock()
        left = ends - now
        if left <= 0:
            raise NotYet(until, known)
        sequence = known.state.sequence if known.state else 0
        pause = asked_at + _WITHOUT_NEWS - now if sequence == told else 0.0
        if known.stage == Stage.COMPLETE:  # it is published a moment before its record is stored
            pause = max(pause, _RECORD_STORED_AFTER)
        if pause > 0:
            yield Pause(pause)
        asked_at, told = now + max(pause, 0.0), sequence
        query = {
            "wait": max(1, min(shell.long_poll, int(left))),
            "after_sequence": known.state.sequence if known.state and known.stage != Stage.COMPLETE else 0,
            "until": until,
        }
        known = yield from _get_state(shell, verification, query)
    return known


def explanation(shell: Shell, verification: Named) -> Steps[Explanation]:
    """Return why it is pending, what happens next, and who must act."""
    return (yield from _get(shell, verification, "/explanation", Explanation))


def timeline(shell: Shell, verification: Named) -> Steps[Timeline]:
    """Return what was received, read and decided, in order."""
    return (yield from _get(shell, verification, "/timeline", Timeline))


def evidence(shell: Shell, verification: Named) -> Steps[tuple[File, ...]]:
    """Return the files and their states."""
    return (yield from _get(shell, verification, "/evidence", Evidence)).evidence


def claims(shell: Shell, verification: Named) -> Steps[Claims]:
    """Return the person's data: names, birth date, documents. The key needs the right `personal`.

    Raises `NoResult` if the provider has given no answer yet.
    """
    return (yield from _get(shell, verification, "/claims", Claims))


def result(shell: Shell, verification: Named) -> Steps[Any]:
    """Return the provider's last answer as the provider wrote it. The key needs the right `personal`.

    Raises `NoResult` if the provider has given no answer yet.
    """
    return (yield from call(Send("GET", f"{_path_of(verification)}/result"), shell.retry)).json()


def notifications(shell: Shell, verification: Named) -> Steps[tuple[OwedNotification, ...]]:
    """Return how each notification stands, the earliest revision first."""
    return (yield from _get(shell, verification, "/notifications", Notifications)).notifications


def resend(shell: Shell, verification: Named) -> Steps[tuple[str, ...]]:
    """Let Vigil notify the registered endpoints of the newest verdict again, and return their names."""
    send = Send("POST", f"{_path_of(verification)}/notifications/resend", json={})
    return _read((yield from call(send, shell.retry)), Resent).endpoints


def download_file(shell: Shell, verification: Named, name: str, to: str | Path) -> Steps[Path]:
    """Download one file to the path `to`, and return the path.

    A cut download is continued. The file is there only once it is complete and its digest is right.

    Raises:
        FileNotStored: it is not stored (yet); `code` says why.
        DigestMismatch: it did not arrive as it was stored.

    """
    path = f"{_path_of(verification)}/evidence/{quote(name, safe='')}"
    return (yield from download(Send("GET", path), Path(to), shell.retry))


def export(shell: Shell, verification: Named, to: str | Path) -> Steps[Path]:
    """Write what is stored of a verification to the zip `to`, and return the path.

    The key needs the right `personal`. A cut export begins again. The zip is there only once it is complete and every
    entry has the digest of its manifest.

    Raises `DigestMismatch`: it did not arrive as it was sent.
    """
    send = Send("GET", f"{_path_of(verification)}/export")
    return (yield from download(send, Path(to), shell.retry, check_export))


def poll(shell: Shell, verification: Named, **command: Unpack[Repeatable]) -> Steps[Commanded]:
    """Let Vigil read the provider now."""
    return (yield from _command(shell, verification, "/poll", None, command))


def withdraw(shell: Shell, verification: Named, **command: Unpack[Repeatable]) -> Steps[Commanded]:
    """End it: the backend does not need it any more. Raises `CommandRefused`."""
    return (yield from _command(shell, verification, "/withdraw", None, command))


def resolve(
    shell: Shell,
    verification: Named,
    decision: Decision | str,
    reason: str = "other",
    **command: Unpack[Repeatable],
) -> Steps[Commanded]:
    """Decide in the place of the provider. Raises `CommandRefused`."""
    body = {"decision": decision, "reason": reason}
    return (yield from _command(shell, verification, "/resolve", body, command))


def move_deadline(
    shell: Shell, verification: Named, deadline_at: datetime, **command: Unpack[Repeatable]
) -> Steps[Commanded]:
    """Move the deadline of an open verification. Raises `CommandRefused`."""
    body = {"deadline_at": _plain(deadline_at)}
    return (yield from _command(shell, verification, "/deadline", body, command))


def erase(shell: Shell, verification: Named) -> Steps[Erasure]:
    """Erase all data and leave the verdict. The key needs the right `erase`. May be repeated.

    The receipt says whether it is finished; `erasure` reads it again. Raises `DataOnHold`.
    """
    # The erasure is one for each verification. The header only says that no form of a browser sends this.
    headers = {IDEMPOTENCY_HEADER: secrets.token_hex(16)}
    send = Send("DELETE", f"{_path_of(verification)}/data", headers=headers)
    return _read((yield from call(send, shell.retry)), Erasure)


def erasure(shell: Shell, verification: Named) -> Steps[Erasure]:
    """Return the receipt of an erasure. The key needs the right `erase`. Raises `NotFound` if there was none."""
    return (yield from _get(shell, verification, "/erasure", Erasure))


def place_hold(shell: Shell, verification: Named, reason: str, until: datetime | None = None) -> Steps[Hold]:
    """Forbid to erase the data, until a time or until `release_hold`. The key needs the right `erase`."""
    body = {"reason": reason} | ({"until": _plain(until)} if until else {})
    return _read((yield from call(Send("PUT", f"{_path_of(verification)}/hold", json=body), shell.retry)), Hold)


def hold(shell: Shell, verification: Named) -> Steps[Hold]:
    """Return the hold that is in force. Raises `NotFound` if there is none."""
    return (yield from _get(shell, verification, "/hold", Hold))


def release_hold(shell: Shell, verification: Named) -> Steps[None]:
    """Allow the erasure again. If there is no hold, that is success."""
    headers = {IDEMPOTENCY_HEADER: secrets.token_hex(16)}
    yield from call(Send("DELETE", f"{_path_of(verification)}/hold", headers=headers), shell.retry)


def list_page(shell: Shell, filters: Filters, page: str | None) -> Steps[Page]:
    """Return one page of the list."""
    query = {name: _plain(value) for name, value in filters.items()}
    query |= {"page": page} if page else {}
    response = yield from call(Send("GET", _VERIFICATIONS, params=query), shell.retry)
    return _read(response, Page)


def newest_runs(page: Page, seen: set[Key]) -> Iterator[Listed]:
    """Yield the newest run of each verification that is not in `seen`, and add it: a late callback starts a new run."""
    for listed in page.verifications:
        if listed.key not in seen:
            seen.add(listed.key)
            yield listed


def _get_state(shell: Shell, verification: Named, query: Mapping[str, Any]) -> Steps[Verification]:
    path = _path_of(verification)
    timeout = float(query["wait"]) + _MARGIN if "wait" in query else None
    response = yield from call(Send("GET", path, params=query, timeout=timeout), shell.retry)
    # A reference may be a secret that must not be in URLs, so later requests use the path of this one.
    return _read(response, Verification).at(verification.key.url_path)


def _get(shell: Shell, verification: Named, tail: str, model: type[ModelT]) -> Steps[ModelT]:
    return _read((yield from call(Send("GET", f"{_path_of(verification)}{tail}"), shell.retry)), model)


def _command(
    shell: Shell, verification: Named, tail: str, body: Mapping[str, Any] | None, options: Repeatable
) -> Steps[Commanded]:
    # One key for all attempts of this call, so that the command is carried out once.
    headers = {IDEMPOTENCY_HEADER: options.get("idempotency_key") or secrets.token_hex(16)}
    send = Send("POST", f"{_path_of(verification)}{tail}", json=body, headers=headers)
    return _read((yield from call(send, shell.retry)), Commanded)


def _read(response: httpx.Response, model: type[ModelT]) -> ModelT:
    return model.model_validate_json(response.content)


def _path_of(verification: Named) -> str:
    return f"{_VERIFICATIONS}/{verification.key.url_path}"


def _has_reached(verification: Verification, until: Until) -> bool:
    if until == "complete":
        return verification.stage == Stage.COMPLETE and verification.record is not None
    return verification.outcome is not None


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
