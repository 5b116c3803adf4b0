"""Listing verifications, over what Temporal makes visible."""

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import AwareDatetime, Field
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from api.problems import Problem
from api.views import StateView
from domain.identity import place_of_workflow
from domain.record import Summary
from domain.terms import Attention, Decision, Frozen, Instant, Name, Outcome, Stage, Word
from tracking import LOOK_TIMEOUT, Tracker
from workflows import steps

LARGEST_PAGE: Final = 200


class Filters(Frozen):
    """What a listed verification must have; all that are given."""

    account: Name | None = None
    stage: Stage | None = None
    decision: Decision | None = None
    outcome: Outcome | None = None
    attention: Attention | None = None
    applicant: Word | None = None
    opened_after: AwareDatetime | None = Field(None, description="run started after")
    opened_before: AwareDatetime | None = None
    is_open: bool | None = None
    page: str | None = Field(None, description="`next_page` of the page before", max_length=4096)
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)

    def query(self) -> str:
        """Return Temporal's list filter. Every value is of a closed form, so none can end its quotes."""
        return " AND ".join([f"WorkflowType = '{steps.VERIFICATION_WORKFLOW}'", *self._clauses()])

    def _clauses(self) -> Iterator[str]:
        for name in ("account", "stage", "decision", "outcome", "attention", "applicant"):
            value = getattr(self, name)
            if value is not None:
                yield f"Vigil{name.capitalize()} = '{value}'"
        if self.opened_after is not None:
            yield f"StartTime > '{self.opened_after.isoformat()}'"
        if self.opened_before is not None:
            yield f"StartTime < '{self.opened_before.isoformat()}'"
        # A run that went on in another one is the same verification once more.
        yield "ExecutionStatus != 'ContinuedAsNew'"
        if self.is_open is not None:
            yield f"ExecutionStatus {'=' if self.is_open else '!='} 'Running'"


FiltersInQuery = Annotated[Filters, Query()]


class ListedView(Frozen):
    """One run of a verification.

    `reference` is a digest, by which it can be asked for too, where the provider's opens the applicant's session or is
    not plain.
    """

    account: Name
    reference: str
    is_open: bool
    started_at: Instant
    state: StateView | None


class Page(Frozen):
    """Some verifications, the newest first."""

    verifications: tuple[ListedView, ...]
    next_page: str | None


async def listed(tracker: Tracker, filters: Filters) -> Page:
    """Return one page. Raises `Problem` 422 for a page token that is none, `RPCError`."""
    found = tracker.client.list_workflows(
        filters.query(),
        page_size=filters.limit,
        next_page_token=_token(filters.page),
        rpc_timeout=LOOK_TIMEOUT,
    )
    await found.fetch_next_page()
    rows = [await _row(execution) for execution in found.current_page or ()]
    token = found.next_page_token
    return Page(verifications=tuple(rows), next_page=base64.urlsafe_b64encode(token).decode() if token else None)


def _token(page: str | None) -> bytes | None:
    try:
        return base64.b64decode(page, altchars=b"-_", validate=True) if page else None
    except (binascii.Error, ValueError):
        raise Problem(422, "invalid_page", "That is no `next_page` of ours") from None


async def _row(execution: WorkflowExecution) -> ListedView:
    summary: Any = await execution.memo_value(steps.MEMO, None, type_hint=Summary)
    account, _, slug = place_of_workflow(execution.id).partition("/")
    return ListedView(
        account=account,
        reference=slug,
        is_open=execution.status is WorkflowExecutionStatus.RUNNING,
        started_at=execution.start_time,
        state=StateView.of(summary) if summary is not None else None,
    )
