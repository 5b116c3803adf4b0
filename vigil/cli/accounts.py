"""`vigil accounts`: what to configure at each provider, how its senders behave and what Vigil does about it."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from vigil.cli.context import load
from vigil.cli.formatting import build_grid, open_console, print_json
from vigil.config.accounts import OpenAccount
from vigil.config.settings import Settings
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import spoken
from vigil.errors import UnknownAccount
from vigil.providers.registry import PROVIDERS
from vigil.providers.sender_description import (
    describe_accepted,
    describe_codes_to_avoid,
    describe_proof,
    describe_redelivery,
)
from vigil.runtime import open_runtime

_RIGHTS: Final = {
    Proof.SECRET: "may start a verification, wake it and report progress",
    Proof.SIGNED_BODY: "may start a verification, wake it and report progress",
    Proof.UNBOUND: "may wake a verification; only a new one may start it or report progress",
    Proof.STALE: "may only wake a verification",
    Proof.NONE: "may only wake a verification that is open",
}


def print_accounts(config: Path | None, name: str | None, *, as_json: bool) -> None:
    """Print callback URL, set-up and senders of one account, or of all. Raises `UnknownAccount`."""
    asyncio.run(_show(load(config), name, as_json=as_json))


async def _show(settings: Settings, name: str | None, *, as_json: bool) -> None:
    console = open_console()
    async with open_runtime(settings, lazy=True) as runtime:
        shown = [account for account in runtime.accounts.values() if name in {None, account.name}]
        if name is not None and not shown:
            raise UnknownAccount(runtime.accounts)
        if as_json:
            print_json([_to_json(account, settings) for account in shown])
            return
        for account in shown:
            _print_account(account, settings, console)
    if not settings.accounts:
        console.print("The settings have no account: add [accounts.<name>].", markup=False)
    if settings.time_scale != 1:
        console.print(f"All durations are divided by time_scale = {settings.time_scale:g}.", style="dim")


def _to_json(account: OpenAccount, settings: Settings) -> Mapping[str, object]:
    url = settings.api.callback_url(account.name)
    senders = [dict(describe_sender(contract)) for contract in account.contracts.values()]
    return {
        "account": account.name,
        "provider": account.provider_name,
        "environment": account.environment,
        "callback_url": url,
        "senders": senders,
        "setup": list(account.provider.setup_instructions(url)),
    }


def _print_account(account: OpenAccount, settings: Settings, console: Console) -> None:
    url = settings.api.callback_url(account.name)
    title = PROVIDERS[account.provider_name].title
    console.print(Text.assemble((account.name, "bold cyan"), f"  {title}, {account.environment}"))
    grid = build_grid()
    grid.add_row("  callback URL", Text(url))
    grid.add_row("", Text(f"{url}/<correlation>", style="dim"))
    if settings.api.public_url is None:
        grid.add_row("", Text("set [api] public_url: providers cannot reach this address", style="red"))
    for contract in account.contracts.values():
        for label, text in describe_sender(contract):
            grid.add_row(f"  {label}", Text(text))
    console.print(grid)
    console.print()
    for line in account.provider.setup_instructions(url):
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def describe_sender(contract: SenderContract) -> Iterator[tuple[str, str]]:
    """Yield a label and a text for each promise of a sender, and for what Vigil does about it."""
    plan = contract.tracking
    yield "sender", contract.title
    yield "proof", describe_proof(contract)
    yield "its callback", _RIGHTS[contract.proof]
    yield "accepts", describe_accepted(contract.answering)
    yield "repeats", describe_redelivery(contract.redelivery)
    if contract.answering.never_again or contract.answering.hold_everything:
        yield "avoid", describe_codes_to_avoid(contract.answering)
    first = spoken(plan.callback_expected_within)
    yield "polls", f"from {first} after the registration, {plan.poll_plan(Stage.AWAITING_APPLICANT).words()}"
    yield "deadline", f"{spoken(plan.deadline + plan.deadline_lag)} after the registration"
    yield "if it is lost", contract.lost_callback
