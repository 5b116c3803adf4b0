"""The page of callbacks that belong to no verification, and what an operator does with them there."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Depends, Response
from starlette.responses import RedirectResponse

from api.dependencies import Caller, Dependencies, Needs, Process
from api.problems import Problem
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
async def show_callbacks(caller: Caller, process: Process) -> Response:
    """Show the newest refused and quarantined callbacks."""
    return await _page(caller, process)


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


async def _page(caller: Caller, process: Dependencies, more: Mapping[str, Any] | None = None) -> Response:
    context = {
        "caller": caller,
        "now": datetime.now(UTC),
        "accounts": sorted(name for name in process.accounts if caller.may_use(name)),
        "reads_all": caller.accounts is None,
        "refusals": [each for each in await process.inbox.refusals(MOST_SHOWN) if caller.may_use(each.account)],
        "quarantined": [each for each in await process.inbox.quarantined(MOST_SHOWN) if caller.may_use(each.account)],
    }
    return render("callbacks.html", {**context, **(more or {})})
