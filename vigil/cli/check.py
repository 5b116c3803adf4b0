"""`vigil check`: whether the settings hold, and what they lead to is there; nothing is changed by looking."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from vigil.config.accounts import OpenAccount
from vigil.config.runtime import Runtime, open_runtime
from vigil.config.settings import DEFAULT_FILE, Settings, SettingsError, load_settings
from vigil.domain.errors import ProviderRefusesUs, ProviderUnavailable, ReplyUnproven
from vigil.errors import TemporalUnreachable, VigilError
from vigil.storage.contract import StorageError, storage_name
from vigil.storage.inbox import Inbox
from vigil.temporal.connection import missing_search_attributes

LOOKED_WITHIN: Final = 15.0
MOST_COUNTED: Final = 1000


@dataclass(frozen=True)
class Finding:
    """What one look found; `mend` says what to do where it is not well."""

    name: str
    well: bool
    says: str


class NotWell(Exception):
    """A look found something to mend; the text says what."""


def check(context: typer.Context) -> None:
    """Look at the settings, the storage, Temporal and a login at every provider. Changes nothing."""
    findings = asyncio.run(_gather(context.obj))
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        mark = Text("✓", style="green") if finding.well else Text("✗", style="bold red")
        table.add_row(mark, Text(finding.name), Text(finding.says, style="dim" if finding.well else "red"))
    Console().print(table)
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


async def _gather(config: Path | None) -> list[Finding]:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        return [Finding("settings", well=False, says=str(error))]
    return [
        Finding("settings", well=True, says=str(config or DEFAULT_FILE)),
        _secrets(settings),
        *[finding async for finding in _looks(settings)],
    ]


def _secrets(settings: Settings) -> Finding:
    """The settings cannot be loaded without their secrets, so what is left to say is who holds one."""
    keys = ", ".join(key.name for key in settings.api.keys)
    backends = f"backends with a key: {keys}" if keys else "no [api] keys: only this machine may use the backend API"
    return Finding("secrets", well=True, says=f"all there; {backends}")


async def _looks(settings: Settings) -> AsyncIterator[Finding]:
    async with open_runtime(settings, lazy=True) as runtime:
        yield await _found("callback URLs", lambda: _callback_url(settings))
        yield await _found("storage", lambda: _storage(runtime))
        yield await _found("quarantine", lambda: _quarantine(runtime))
        yield await _found("temporal", lambda: _temporal(runtime))
        if not settings.accounts:
            yield Finding("accounts", well=False, says="none is configured: add [accounts.<name>] to the settings")
        for name, account in runtime.accounts.items():
            yield await _found(f"login {name}", lambda account=account: _login(account))  # type: ignore[misc]


async def _found(name: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        async with asyncio.timeout(LOOKED_WITHIN):
            return Finding(name, well=True, says=await look())
    except (NotWell, VigilError) as fault:
        return Finding(name, well=False, says=str(fault))
    except TimeoutError:
        return Finding(name, well=False, says=f"no answer within {LOOKED_WITHIN:g} s")


async def _callback_url(settings: Settings) -> str:
    if settings.api.public_url is None:
        raise NotWell("set [api] public_url to the address at which providers reach this API")
    return f"{settings.api.public_url.rstrip('/')}/callbacks/<account>"


async def _storage(runtime: Runtime) -> str:
    name = storage_name("health", f"check-{secrets.token_hex(8)}")
    storage = runtime.storage
    try:
        await storage.put_new(name, b"written by `vigil check`")
        await storage.read(name)
        await storage.erase(name)
    except StorageError:
        raise NotWell("takes no writes: look at [storage] url and its rights") from None
    return f"writable: {runtime.settings.storage.url.partition('?')[0]}"


async def _quarantine(runtime: Runtime) -> str:
    try:
        count = await Inbox(runtime.storage).quarantined_at_least(MOST_COUNTED)
    except StorageError:
        raise NotWell("cannot be listed: look at [storage] url and its rights") from None
    if not count:
        return "empty"
    number = f"{count} or more" if count == MOST_COUNTED else str(count)
    return f"callbacks that belong to no verification: {number}; GET /quarantine lists them"


async def _temporal(runtime: Runtime) -> str:
    client = runtime.client
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        raise NotWell(f"namespace {client.namespace} gives no answer ({error.status.name})") from None
    except RuntimeError:  # a lazy client connects on its first call
        raise TemporalUnreachable(runtime.settings.temporal.address) from None
    if missing:
        raise NotWell(f"run `vigil setup`: namespace {client.namespace} lacks {', '.join(missing)}")
    return f"namespace {client.namespace} answers and has our search attributes"


async def _login(account: OpenAccount) -> str:
    setting = f"accounts.{account.name}"
    try:
        await account.provider.reader.check_login()
    except ProviderRefusesUs as error:
        raise NotWell(f"refused ({error.code}): mend the credentials in {setting}") from None
    except ProviderUnavailable as error:
        raise NotWell(f"no usable answer ({error.code}): look at {setting}.base_url and the way there") from None
    except ReplyUnproven as error:
        raise NotWell(
            f"answers that prove nothing ({error.code}): look at the keys and base_url of {setting}"
        ) from None
    return f"{account.provider.provider}, {account.provider.environment}"
