"""`vigil erase` and `vigil hold`: erase the data of a verification, or forbid it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import build_grid, format_time, open_console, print_json
from vigil.cli.target import find_exact_key
from vigil.domain.hold import Hold, HoldReason
from vigil.domain.terms import spell
from vigil.domain.tombstone import Tombstone
from vigil.domain.verification_key import VerificationKey
from vigil.runtime import Runtime

T = TypeVar("T")

WITHIN: Final = timedelta(minutes=10)


def erase_data(config: Path | None, account: str, reference: str, *, author: str, as_json: bool) -> None:
    """Erase the data of a verification, wait for the end, and print the receipt."""

    async def erase(runtime: Runtime, key: VerificationKey) -> Tombstone | None:
        return await runtime.erasures.erase(key, by=author, within=WITHIN)

    tombstone = asyncio.run(_with_key(config, account, reference, erase))
    if tombstone is None:
        raise CommandError("It was accepted and is not finished: is a worker running? Repeat the command later.")
    if as_json:
        shown = tombstone.model_dump(mode="json", exclude={"key", "correlations"})
        print_json({**shown, "account": account, "reference": reference, "not_ours": list(tombstone.not_ours)})
        return
    table = build_grid()
    table.add_row("verification", f"{account} {reference}")
    table.add_row("erased", format_time(tombstone.erased_at))
    table.add_row("finished", format_time(tombstone.finished_at))
    table.add_row("asked by", tombstone.asked_by)
    verdict = (tombstone.verdict.outcome, tombstone.verdict.decision)
    table.add_row("verdict", " ".join(spell(word) for word in verdict if word) or "none")
    for kind, count in sorted(tombstone.erased.items()):
        table.add_row(kind, str(count))
    table.add_row("not ours", ", ".join(spell(each) for each in tombstone.not_ours))
    if tombstone.key_backups_until is not None:
        table.add_row("key backups", f"until {format_time(tombstone.key_backups_until)}")
    open_console().print(table)


def place_hold(
    config: Path | None, account: str, reference: str, *, reason: str, author: str, until: datetime | None
) -> None:
    """Place a hold, or replace the one that stands."""
    hold = Hold(reason=HoldReason(reason), author=author, placed_at=datetime.now(UTC), until=until)

    async def place(runtime: Runtime, key: VerificationKey) -> Hold:
        return await runtime.erasures.hold(key, hold)

    asyncio.run(_with_key(config, account, reference, place))
    open_console().print(f"{account} {reference}: held until {format_time(until) or 'it is released'}", highlight=False)


def release_hold(config: Path | None, account: str, reference: str) -> None:
    """Release a hold."""

    async def release(runtime: Runtime, key: VerificationKey) -> None:
        await runtime.erasures.release(key)

    asyncio.run(_with_key(config, account, reference, release))
    open_console().print(f"{account} {reference}: not held", highlight=False)


async def _with_key(
    config: Path | None, account: str, reference: str, use: Callable[[Runtime, VerificationKey], Awaitable[T]]
) -> T:
    async with open_installation(config) as runtime:
        return await use(runtime, await find_exact_key(runtime, account, reference))
