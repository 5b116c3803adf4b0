"""The page of accounts: where each provider must call, and how its callbacks come."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Depends, Response

from api.dependencies import Caller, Dependencies, Needs, Process
from api.ui.access import HOME
from api.ui.rendering import render
from api.ui.routing import PageRoute
from vigil.config.accounts import OpenAccount
from vigil.config.keys import Right
from vigil.listing import NEWEST, RecentCallbacks, count_open, read_recent_callbacks

router: Final = APIRouter(
    prefix=HOME, include_in_schema=False, route_class=PageRoute, dependencies=[Depends(Needs(Right.OPERATE))]
)


@dataclass(frozen=True)
class AccountRow:
    """An account, how many of its verifications are open, and how the callbacks of its newest ones came."""

    account: OpenAccount
    callback_url: str
    open: int
    callbacks: RecentCallbacks


@router.get("/accounts")
async def show_accounts(caller: Caller, process: Process) -> Response:
    """Show each account with what its provider must call."""
    rows = await asyncio.gather(
        *(_row(account, process) for account in process.accounts.values() if caller.may_use(account.name))
    )
    return render("accounts.html", {"caller": caller, "now": datetime.now(UTC), "rows": rows, "among": NEWEST})


async def _row(account: OpenAccount, process: Dependencies) -> AccountRow:
    client = process.tracker.client
    is_open, callbacks = await asyncio.gather(
        count_open(client, account.name), read_recent_callbacks(client, account.name)
    )
    return AccountRow(account, f"{process.callback_base}/{account.name}", open=is_open, callbacks=callbacks)
