"""Pages of the installation: callbacks that belong to no verification, and accounts with their senders."""

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
from vigil.listing import count_open, latest_callback

MOST_SHOWN: Final = 50

router: Final = APIRouter(
    prefix=HOME, include_in_schema=False, route_class=PageRoute, dependencies=[Depends(Needs(Right.OPERATE))]
)


@dataclass(frozen=True)
class AccountRow:
    """An account, how many of its verifications are open, and when its newest ones last had a callback."""

    account: OpenAccount
    callback_url: str
    open: int
    last_callback_at: datetime | None


@router.get("/callbacks")
async def show_callbacks(caller: Caller, process: Process) -> Response:
    """Show the newest refused and quarantined callbacks."""
    context = {
        "caller": caller,
        "now": datetime.now(UTC),
        "refusals": [each for each in await process.inbox.refusals(MOST_SHOWN) if caller.may_use(each.account)],
        "quarantined": [each for each in await process.inbox.quarantined(MOST_SHOWN) if caller.may_use(each.account)],
    }
    return render("callbacks.html", context)


@router.get("/accounts")
async def show_accounts(caller: Caller, process: Process) -> Response:
    """Show each account with what its provider must call."""
    rows = [await _row(account, process) for account in process.accounts.values() if caller.may_use(account.name)]
    return render("accounts.html", {"caller": caller, "now": datetime.now(UTC), "rows": rows})


async def _row(account: OpenAccount, process: Dependencies) -> AccountRow:
    client = process.tracker.client
    return AccountRow(
        account=account,
        callback_url=f"{process.callback_base}/{account.name}",
        open=await count_open(client, account.name),
        last_callback_at=await latest_callback(client, account.name),
    )
