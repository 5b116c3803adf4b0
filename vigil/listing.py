"""List verifications with Temporal's list filter."""

import base64
import binascii
import hmac
import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import Field
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from vigil.domain.digest import Digester
from vigil.domain.models import StrictModel
from vigil.domain.registration import digest_applicant
from vigil.domain.situation import Interruption
from vigil.domain.summary import Summary
from vigil.domain.terms import Attention, Decision, Name, Outcome, Stage, Word, WrittenInstant
from vigil.domain.verification_key import path_of_workflow, workflow_id
from vigil.errors import AmbiguousReference, InvalidPageToken
from vigil.temporal import messages
from vigil.temporal.client import DESCRIBE_TIMEOUT
from vigil.temporal.inspection import read_interruption, read_summary

LARGEST_PAGE: Final = 200
NEWEST: Final = 50
"""Runs that the figures of an account look at. Temporal needs a tenth of a second of its processor for 200 of them."""
_VERIFICATIONS: Final = f"WorkflowType = '{messages.VERIFICATION_WORKFLOW}'"
_MARK_LENGTH: Final = 26
_PREFIX: Final = re.compile(r"[A-Za-z0-9._:~-]{3,100}")
_PREFIX_PAGE: Final = 50
_SEARCHED: Final = re.compile(r"[A-Za-z0-9._:~@-]{1,100}")
_PROBLEMS: Final = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FAILING_TASKS: Final = (
    "(ExecutionStatus = 'Running' AND "
    "TemporalReportedProblems IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut'))"
)
"""Temporal sets it after five failed attempts, and removes it with the next good one."""
_ENDED_IN_TEMPORAL: Final = "ExecutionStatus IN ('Terminated', 'Canceled', 'Failed', 'TimedOut')"


class Filters(StrictModel):
    """Conditions that every listed verification meets."""

    account: Name | None = None
    stage: Stage | None = None
    decision: Decision | None = None
    outcome: Outcome | None = None
    attention: Attention | None = None
    applicant: Word | None = None
    opened_after: WrittenInstant | None = Field(None, description="the run started after this time")
    opened_before: WrittenInstant | None = Field(None, description="the run started before this time")
    is_open: bool | None = None
    stuck: bool = Field(
        default=False, description="only runs whose workflow task fails, and runs that were ended in Temporal"
    )

    def query(
        self,
        *,
        accounts: Collection[Name] | None = None,
        needs_attention: bool = False,
        digester: Digester | None = None,
    ) -> str:
        """Return Temporal's list filter. Every value has a closed form, so none can end its quotes.

        A filter by applicant needs the digester: Temporal knows applicants by their digests. Raises `ValueError`.
        """
        clauses = [_VERIFICATIONS, *self._clauses()]
        if self.applicant is not None:
            if digester is None:
                raise ValueError("a filter by applicant needs the digester")
            clauses.append(_of_applicant(self.applicant, digester))
        if accounts is not None:
            clauses.append(_within(accounts))
        if needs_attention:
            # An empty list is not the same as none, so the filter names the reasons.
            clauses.append(f"VigilAttention IN ({', '.join(repr(reason.value) for reason in Attention)})")
        return " AND ".join(clauses)

    def _clauses(self) -> Iterator[str]:
        for name in ("account", "stage", "decision", "outcome", "attention"):
            value = getattr(self, name)
            if value is not None:
                yield f"Vigil{name.capitalize()} = '{value}'"
        if self.opened_after is not None:
            yield f"StartTime > '{self.opened_after.isoformat()}'"
        if self.opened_before is not None:
            yield f"StartTime < '{self.opened_before.isoformat()}'"
        # A run that continued as a new one would list the same verification twice.
        yield "ExecutionStatus != 'ContinuedAsNew'"
        if self.is_open is not None:
            yield f"ExecutionStatus {'=' if self.is_open else '!='} 'Running'"
        if self.stuck:
            yield f"({FAILING_TASKS} OR {_ENDED_IN_TEMPORAL})"


@dataclass(frozen=True)
class ListedRun:
    """One run of a verification. `encoded_reference` is its reference, or the digest that replaces it; both find it.

    `summary` is None until a worker has published the first one, and if this release cannot read it.
    """

    account: str
    encoded_reference: str
    is_open: bool
    started_at: datetime
    summary: Summary | None
    is_unreadable: bool = False
    interruption: Interruption | None = None
    problems: tuple[str, ...] = ()
    """What Temporal reports of its workflow tasks."""

    @property
    def is_interrupted(self) -> bool:
        """Whether the run was ended in Temporal before the verification was complete."""
        return self.interruption is not None and (self.summary is None or self.summary.stage != Stage.COMPLETE)

    @property
    def is_stuck(self) -> bool:
        """Whether nothing happens any more: the workflow task fails again and again, or the run is interrupted."""
        return self.is_interrupted or (self.is_open and bool(self.problems))


@dataclass(frozen=True)
class ListedPage:
    """One page of runs, the newest first. `next_page` is None on the last page."""

    runs: tuple[ListedRun, ...]
    next_page: str | None


@dataclass(frozen=True)
class Reach:
    """The verifications that a caller may list: those of some accounts, or that one backend registered. None: all."""

    accounts: frozenset[Name] | None = None
    registered_by: Name | None = None

    def holds(self, run: ListedRun) -> bool:
        """Whether the caller may see a listed run. Some stores read `_` in a filter as any character."""
        if self.accounts is not None and run.account not in self.accounts:
            return False
        return self.registered_by is None or bool(run.summary and run.summary.registered_by == self.registered_by)


class PageTokens:
    """Signs Temporal's page tokens, each for one list filter: a stranger's token must not reach Temporal."""

    def __init__(self, digester: Digester) -> None:
        self.digester = digester

    def sign(self, token: bytes, query: str) -> str:
        """Return the token as a caller gets it."""
        return f"{self._mark(token, query)}{base64.urlsafe_b64encode(token).decode()}"

    def open(self, page: str, query: str) -> bytes:
        """Return Temporal's token. Raises `InvalidPageToken` if it was not signed for this filter."""
        mark, text = page[:_MARK_LENGTH], page[_MARK_LENGTH:]
        try:
            token = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPageToken from None
        if not hmac.compare_digest(mark.encode(), self._mark(token, query).encode()):
            raise InvalidPageToken
        return token

    def _mark(self, token: bytes, query: str) -> str:
        return self.digester.digest("page", query.encode() + b"\0" + token)


async def list_page(
    client: Client, filters: Filters, reach: Reach, *, page: str | None, limit: int, tokens: PageTokens
) -> ListedPage:
    """Return one page of the runs within reach, the newest first. Raises `InvalidPageToken`, `RPCError`.

    Temporal cannot filter by backend, so a page may be shorter than `limit`. A run whose attention a later one has
    cleared is left out.
    """
    query = filters.query(accounts=reach.accounts, digester=tokens.digester)
    executions, following = await _fetch_page(client, query, page, limit, tokens)
    if filters.attention is not None:
        executions = await _only_newest(client, executions)
    return await _page_of(executions, following, reach)


async def list_verifications(
    client: Client, query: str, reach: Reach, *, page: str | None, limit: int, tokens: PageTokens
) -> ListedPage:
    """Return one page of the newest runs of verifications. `query` is that of `Filters` or `search_query`.

    An earlier run of a verification is left out, so a page may be shorter than `limit`. Raises as `list_page` does.
    """
    executions, following = await _fetch_page(client, query, page, limit, tokens)
    return await _page_of(await _only_newest(client, executions), following, reach)


def search_query(text: str, paths: Iterable[str], accounts: Collection[Name], digester: Digester) -> str | None:
    """Return the filter for an applicant, a path or the start of a reference, in these accounts alone.

    None: nothing that is searched for can hold such a text.
    """
    clauses = [f"WorkflowId = '{workflow_id(path)}'" for path in paths]
    if accounts and _SEARCHED.fullmatch(text):
        clauses.append(f"({_of_applicant(text, digester)} AND {_within(accounts)})")
        clauses += [f"WorkflowId STARTS_WITH '{workflow_id(f'{account}/{text}')}'" for account in accounts]
    if not clauses:
        return None
    return f"{_VERIFICATIONS} AND ({' OR '.join(clauses)})"


def _of_applicant(applicant: str, digester: Digester) -> str:
    """Return the filter for an applicant. Runs of earlier releases are listed by the applicant itself."""
    return f"VigilApplicant IN ('{digest_applicant(applicant, digester)}', '{applicant}')"


def _within(accounts: Collection[Name]) -> str:
    return f"VigilAccount IN ({', '.join(map(repr, sorted(accounts)))})"


async def _fetch_page(
    client: Client, query: str, page: str | None, limit: int, tokens: PageTokens
) -> tuple[Sequence[WorkflowExecution], str | None]:
    token = tokens.open(page, query) if page else None
    found = client.list_workflows(query, page_size=limit, next_page_token=token, rpc_timeout=DESCRIBE_TIMEOUT)
    await found.fetch_next_page()
    following = found.next_page_token
    return found.current_page or (), tokens.sign(following, query) if following else None


async def _only_newest(client: Client, executions: Sequence[WorkflowExecution]) -> Sequence[WorkflowExecution]:
    newest = await _newest_runs(client, {each.id for each in executions})
    return [each for each in executions if newest.get(each.id) == each.run_id]


async def _newest_runs(client: Client, ids: Collection[str]) -> Mapping[str, str]:
    """Return the newest run of each workflow."""
    if not ids:
        return {}
    newest: dict[str, WorkflowExecution] = {}
    async for execution in client.list_workflows(f"WorkflowId IN ({', '.join(map(repr, sorted(ids)))})"):
        if execution.id not in newest or execution.start_time > newest[execution.id].start_time:
            newest[execution.id] = execution
    return {each: execution.run_id for each, execution in newest.items()}


async def _page_of(executions: Sequence[WorkflowExecution], following: str | None, reach: Reach) -> ListedPage:
    runs = [await _run_of(execution) for execution in executions]
    return ListedPage(runs=tuple(run for run in runs if reach.holds(run)), next_page=following)


async def iterate_verifications(
    client: Client, filters: Filters, *, needs_attention: bool = False, digester: Digester | None = None
) -> AsyncIterator[ListedRun]:
    """Yield the newest run of each verification, the newest first. Raises `RPCError`."""
    seen: set[str] = set()
    is_of_now = needs_attention or filters.attention is not None or filters.stuck
    async for execution in client.list_workflows(filters.query(needs_attention=needs_attention, digester=digester)):
        if execution.id not in seen:
            seen.add(execution.id)
            run = await _run_of(execution)
            if filters.stuck and not run.is_stuck:
                continue
            if run.is_open or not is_of_now or await _is_newest(client, execution):
                yield run


async def count_interrupted(client: Client, *, most_runs: int) -> int:
    """Return how many verifications are interrupted, among the last `most_runs` such runs. Raises `RPCError`."""
    query = f"{_VERIFICATIONS} AND {_ENDED_IN_TEMPORAL}"
    count = 0
    async for execution in client.list_workflows(query, limit=most_runs):
        count += (await _run_of(execution)).is_interrupted and await _is_newest(client, execution)
    return count


async def find_by_prefix(client: Client, account: Name, prefix: str) -> str | None:
    """Return the path of the only verification of an account whose reference, or digest, begins so; None: none does.

    Raises `AmbiguousReference`, `RPCError`.
    """
    if not _PREFIX.fullmatch(prefix):  # nothing else can begin a workflow id, or may stand between quotes
        return None
    start = workflow_id(f"{account}/{prefix}")
    query = f"{_VERIFICATIONS} AND WorkflowId STARTS_WITH '{start}'"
    found: set[str] = set()
    async for execution in client.list_workflows(query, page_size=_PREFIX_PAGE, rpc_timeout=DESCRIBE_TIMEOUT):
        if execution.id.startswith(start):  # some stores read "_" and "%" as wildcards
            found.add(path_of_workflow(execution.id))
        if len(found) > 1:
            raise AmbiguousReference
    return next(iter(found), None)


async def count_open(client: Client, account: Name) -> int:
    """Return how many verifications of an account are open. Raises `RPCError`."""
    query = f"{_VERIFICATIONS} AND VigilAccount = '{account}' AND ExecutionStatus = 'Running'"
    return (await client.count_workflows(query)).count


@dataclass(frozen=True)
class RecentCallbacks:
    """What the newest verifications of an account say of its callbacks. `last_at` is None if none had one.

    `missed` of the `concluded` ones were concluded by a read of ours, since a callback never came.
    """

    last_at: datetime | None
    concluded: int
    missed: int


async def read_recent_callbacks(client: Client, account: Name, *, among: int = NEWEST) -> RecentCallbacks:
    """Return how the callbacks of an account's newest verifications came. Raises `RPCError`."""
    query = f"{_VERIFICATIONS} AND VigilAccount = '{account}'"
    newest: dict[str, Summary] = {}
    async for execution in client.list_workflows(query, page_size=among, limit=among):
        summary, _ = await read_summary(execution)
        if summary is not None:
            newest.setdefault(execution.id, summary)  # the newest run of a verification comes first
    summaries = newest.values()
    concluded = [each for each in summaries if each.outcome is not None and each.missed is not None]
    return RecentCallbacks(
        last_at=max((each.last_callback_at for each in summaries if each.last_callback_at), default=None),
        concluded=len(concluded),
        missed=sum(bool(each.missed) for each in concluded),
    )


async def _is_newest(client: Client, execution: WorkflowExecution) -> bool:
    """Whether no run follows. A closed run stays listed after another one has continued it."""
    newest = await client.get_workflow_handle(execution.id).describe(rpc_timeout=DESCRIBE_TIMEOUT)
    return newest.run_id == execution.run_id


async def _run_of(execution: WorkflowExecution) -> ListedRun:
    summary, is_unreadable = await read_summary(execution)
    account, _, encoded_reference = path_of_workflow(execution.id).partition("/")
    return ListedRun(
        account=account,
        encoded_reference=encoded_reference,
        is_open=execution.status is WorkflowExecutionStatus.RUNNING,
        started_at=execution.start_time,
        summary=summary,
        is_unreadable=is_unreadable,
        interruption=read_interruption(execution),
        problems=_problems_of(execution),
    )


def _problems_of(execution: WorkflowExecution) -> tuple[str, ...]:
    return tuple(execution.typed_search_attributes.get(_PROBLEMS) or ())
