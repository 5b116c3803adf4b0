"""`vigil accounts`: for each account what to set up at the provider, and what its senders and we do then."""

import asyncio
from collections.abc import Iterator

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vigil.config.accounts import OpenAccount
from vigil.config.runtime import open_runtime
from vigil.config.settings import Settings, load_settings
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import spoken
from vigil.providers.registry import PROVIDERS
from vigil.providers.sender_description import describe_accepted, describe_codes_to_avoid, describe_redelivery

_PROOFS = {
    Proof.SECRET: "a shared secret: a callback may start, wake and tell progress",
    Proof.SIGNED_BODY: "a signature over the body: a callback may start, wake and tell progress",
    Proof.UNBOUND: "a signature beside the body: only a fresh callback may start or tell progress",
    Proof.STALE: "an old signature: a callback may only wake",
    Proof.NONE: "none: a callback may only wake a verification that is open",
}


def accounts(context: typer.Context) -> None:
    """Show each account's callback URL, what to configure at the provider, and how its senders behave."""
    settings = load_settings(context.obj)
    asyncio.run(_show(settings, Console()))


async def _show(settings: Settings, console: Console) -> None:
    async with open_runtime(settings, lazy=True) as runtime:
        for account in runtime.accounts.values():
            _show_account(account, settings, console)
    if not settings.accounts:
        console.print("No account is configured: add [accounts.<name>] to the settings.")
    if settings.time_scale != 1:
        console.print(f"All durations are divided by time_scale = {settings.time_scale:g}.", style="dim")


def _show_account(account: OpenAccount, settings: Settings, console: Console) -> None:
    entry = PROVIDERS[account.provider.provider]
    url = settings.api.callback_url(account.name)
    console.print(Text.assemble((account.name, "bold cyan"), f"  {entry.title}, {account.provider.environment}"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("  callback URL", Text(url))
    table.add_row("", Text(f"{url}/<correlation>", style="dim"))
    if settings.api.public_url is None:
        table.add_row("", Text("set [api] public_url: providers cannot reach this address", style="red"))
    for contract in account.contracts.values():
        for name, said in _habits(contract):
            table.add_row(f"  {name}", Text(said))
    console.print(table)
    console.print()
    for line in account.provider.setup_instructions(url):
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def _habits(contract: SenderContract) -> Iterator[tuple[str, str]]:
    yield "sender", contract.title
    yield "proof", _PROOFS[contract.proof]
    yield "it accepts", describe_accepted(contract.answering)
    yield "it repeats", describe_redelivery(contract.redelivery)
    if contract.answering.never_again or contract.answering.hold_everything:
        yield "we avoid", describe_codes_to_avoid(contract.answering)
    yield "we poll", _polls(contract)
    yield "we give up", f"{spoken(contract.tracking.deadline + contract.tracking.deadline_lag)} after the registration"
    yield "lost means", contract.lost_callback


def _polls(contract: SenderContract) -> str:
    plan = contract.tracking.poll_plan(Stage.AWAITING_APPLICANT)
    start = spoken(contract.tracking.callback_expected_within)
    return f"from {start} after the registration, {plan.words()}"
