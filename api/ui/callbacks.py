"""The page of callbacks that belong to no verification, and what an operator does with them there."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import RedirectResponse

from api.dependencies import Caller, Dependencies, Needs, Process
from api.problems import Problem
from api.rejected_callbacks import read_page
from api.ui.access import HOME
from api.ui.rendering import render
from api.ui.routing import Form, PageRoute, require_tick
from vigil.config.keys import Right

MOST_SHOWN: Final = 50

router: Final = APIRouter(
    prefix=f"{HOME}/callbacks",
    include_in_schema=False,
    route_class=PageRoute,
    dependencies=[Depends(Needs(Right.OPERATE))],
)


@router.get("")
async def show_callbacks(
    caller: Caller, process: Process, page: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """Show the newest refused callbacks, and a page of the quarantined ones."""
    return await _page(caller, process, {"page": page})


@router.post("/attach")
async def attach(caller: Caller, process: Process, form: Form) -> Response:
    """Give a quarantined callback to a verification, and go to the page of that one."""
    require_tick(form)
    account, reference = form.get("account", ""), form.get("reference", "").strip()
    if not reference:
        raise Problem(422, "invalid_request", "Say which reference the verification has")
    caller.require_account(account)
    key = await process.lookup.resolve_key(account, reference)
    path = await process.quarantine.attach(form.get("receipt", ""), key)
    return RedirectResponse(f"{HOME}/verifications/{path}", 303)


@router.post("/reread")
async def reread(caller: Caller, process: Process, form: Form) -> Response:
    """Read the quarantined callbacks again, of one account or of all, and show what became of them."""
    is_trial = form.get("trial") == "yes"
    if not is_trial:
        require_tick(form)
    account = form.get("account") or None
    caller.require_account(account)
    found = process.quarantine.reread(dry_run=is_trial, account=account)
    results = Counter([each.result.value async for each in found])
    return await _page(caller, process, {"results": dict(results), "is_trial": is_trial})


async def _page(caller: Caller, process: Dependencies, more: Mapping[str, Any]) -> Response:
    quarantined = await read_page(process.inbox, MOST_SHOWN, more.get("page"), caller)
    context = {
        "caller": caller,
        "now": datetime.now(UTC),
        "accounts": sorted(name for name in process.accounts if caller.may_use(name)),
        "reads_all": caller.accounts is None,
        "refusals": [each for each in await process.inbox.refusals(MOST_SHOWN) if caller.may_use(each.account)],
        "quarantined": quarantined.callbacks,
        "next_page": quarantined.next_page,
    }
    return render("callbacks.html", {**context, **more})
