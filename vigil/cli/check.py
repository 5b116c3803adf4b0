"""`vigil check`: test the settings and everything that they name."""

import asyncio
import os
import secrets
import ssl
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from vigil.cli.context import find_settings_file
from vigil.cli.endpoint_check import send_test_notification
from vigil.cli.formatting import open_console, print_json
from vigil.cli.tls import find_versions
from vigil.config.accounts import OpenAccount
from vigil.config.settings import DEFAULT_FILE, Settings, SettingsError, is_exposed, load_settings
from vigil.domain.errors import ADDRESS_NOT_ALLOWED, ProviderRefusesUs, ProviderUnavailable, ReplyUnproven
from vigil.errors import TemporalUnreachable, VigilError
from vigil.runtime import Runtime, open_runtime
from vigil.storage.contract import StorageError, storage_name
from vigil.storage.factory import BadStorageUrl, local_folder
from vigil.storage.inbox import Inbox
from vigil.temporal.connection import missing_search_attributes
from vigil.temporal.deployments import describe_deployment

TIMEOUT: Final = 15.0
"""Seconds for each check."""
COUNT_LIMIT: Final = 1000
_WITH_WORKFLOWS: Final = frozenset({"current", "ramping", "draining"})
"""States of builds; all earlier builds are drained."""


@dataclass(frozen=True)
class Finding:
    """The result of one check; where it failed, `text` says what to do."""

    name: str
    is_ok: bool
    text: str
    is_warning: bool = False
    """Whether it should be corrected, though everything works."""


class CheckFailed(Exception):
    """A check failed; the text says what to do."""


def check_installation(config: Path | None, *, as_json: bool) -> bool:
    """Print the result of each check. Return whether every one passed."""
    findings = asyncio.run(_check_all(config))
    is_ok = all(finding.is_ok for finding in findings)
    if as_json:
        print_json({"ok": is_ok, "checks": [asdict(finding) for finding in findings]})
        return is_ok
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        mark = Text("✓", style="green") if finding.is_ok else Text("✗", style="bold red")
        style = "dim" if finding.is_ok else "red"
        if finding.is_warning:
            mark, style = Text("!", style="bold yellow"), "yellow"
        table.add_row(mark, finding.name, Text(finding.text, style=style))
    open_console().print(table)
    return is_ok


async def _check_all(config: Path | None) -> list[Finding]:
    config = find_settings_file(config, os.environ)
    try:
        settings = load_settings(config)
    except SettingsError as error:
        return [Finding("settings", is_ok=False, text=str(error))]
    keys = ", ".join(key.name for key in settings.api.keys)
    backends = f"backends with a key: {keys}" if keys else "no [api] keys: only this machine may use the backend API"
    loaded = [
        _check_settings_file(config),
        # Settings without one of their secrets cannot be loaded.
        Finding("secrets", is_ok=True, text=f"complete; {backends}"),
    ]
    deployment = settings.worker.deployment
    async with open_runtime(settings, lazy=True) as runtime:
        checks = [
            _run_check("callback URLs", _check_callback_url(settings)),
            _run_check("storage", _check_storage(runtime)),
            _run_check("quarantine", _check_quarantine(runtime)),
            _run_check("temporal", _check_temporal(runtime)),
            *([_run_check("builds", _check_builds(runtime, deployment))] if deployment else []),
            *(_run_check(f"login {name}", _check_login(account)) for name, account in runtime.accounts.items()),
            *(
                _run_check(f"endpoint {name}", send_test_notification(runtime.http, name, endpoint))
                for name, endpoint in settings.endpoints.items()
            ),
        ]
        findings = await asyncio.gather(*checks)
    if settings.api.public_url is not None and settings.api.public_url.startswith("https:"):
        findings.insert(1, await check_tls(settings.api.public_url))
    if not settings.accounts:
        findings.append(Finding("accounts", is_ok=False, text="the settings have none: add [accounts.<name>]"))
    return [*loaded, *findings]


def _check_settings_file(config: Path | None) -> Finding:
    file = str(config or DEFAULT_FILE)
    if is_exposed(config):
        text = f"{file}: every user of this machine may read or write it: chmod o-rwx"
        return Finding("settings", is_ok=True, text=text, is_warning=True)
    return Finding("settings", is_ok=True, text=file)


async def _run_check(name: str, check: Awaitable[str]) -> Finding:
    try:
        async with asyncio.timeout(TIMEOUT):
            return Finding(name, is_ok=True, text=await check)
    except (BadStorageUrl, CheckFailed, VigilError) as error:
        return Finding(name, is_ok=False, text=str(error))
    except TimeoutError:
        return Finding(name, is_ok=False, text=f"no answer within {TIMEOUT:g} s")


async def _check_callback_url(settings: Settings) -> str:
    if settings.api.public_url is None:
        raise CheckFailed("set [api] public_url to the address at which providers reach this API")
    return settings.api.callback_url("<account>")


async def check_tls(public_url: str) -> Finding:
    """Check that providers find TLS 1.2 or 1.3 at the public address, and a certificate that they trust."""
    try:
        offered = await find_versions(public_url)
    except ssl.SSLCertVerificationError:
        text = "the certificate at public_url is not trusted: install the whole chain"
        return Finding("TLS", is_ok=False, text=text)
    if offered:
        return Finding("TLS", is_ok=True, text=", ".join(offered))
    text = "public_url offers neither TLS 1.2 nor 1.3, or cannot be reached from here: test it from outside"
    return Finding("TLS", is_ok=True, text=text, is_warning=True)


async def _check_storage(runtime: Runtime) -> str:
    """Try a bucket with an object that is erased at once. A folder is only looked at, and not created."""
    url = runtime.settings.storage.url
    if (folder := local_folder(url)) is not None:
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise CheckFailed(f"{nearest} cannot be written: correct [storage] url or its access rights")
        return f"writable: {url}" if nearest == folder else f"the first process will create {url}"
    name = storage_name("health", f"check-{secrets.token_hex(8)}")
    storage = runtime.storage
    try:
        await storage.put_new(name, b"written by `vigil check`")
        await storage.read(name)
        await storage.erase(name)
    except StorageError:
        raise CheckFailed("cannot be written: correct [storage] url or its access rights") from None
    return f"writable: {url.partition('?')[0]}"


async def _check_quarantine(runtime: Runtime) -> str:
    folder = local_folder(runtime.settings.storage.url)
    if folder is not None and not (folder / "inbox").exists():
        return "empty"
    try:
        count = await Inbox(runtime.storage).quarantined_at_least(COUNT_LIMIT)
    except StorageError:
        raise CheckFailed("cannot be listed: correct [storage] url or its access rights") from None
    if not count:
        return "empty"
    number = f"{count} or more" if count == COUNT_LIMIT else str(count)
    return f"callbacks without a verification: {number}; `vigil quarantine list` lists them"


async def _check_temporal(runtime: Runtime) -> str:
    client = runtime.client
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        raise CheckFailed(f"namespace {client.namespace} gives no usable answer ({error.status.name})") from None
    except RuntimeError:  # a lazy client connects at its first call
        raise TemporalUnreachable(runtime.settings.temporal.address) from None
    if missing:
        raise CheckFailed(f"run `vigil setup`: namespace {client.namespace} lacks {', '.join(missing)}")
    return f"namespace {client.namespace} has all search attributes"


async def _check_builds(runtime: Runtime, name: str) -> str:
    try:
        deployment = await describe_deployment(runtime.client, name)
    except (RPCError, RuntimeError):
        raise CheckFailed("Temporal gives no usable answer") from None
    if deployment is None:
        raise CheckFailed(f"no worker of the deployment {name} has asked for work yet: start one")
    if not deployment.takes_work:
        raise CheckFailed(f"no build of the deployment {name} is current: run `vigil deploy current BUILD`")
    return ", ".join(f"{build.name} is {build.state}" for build in deployment.builds if build.state in _WITH_WORKFLOWS)


async def _check_login(account: OpenAccount) -> str:
    setting = f"accounts.{account.name}"
    try:
        await account.provider.reader.check_login()
    except ProviderRefusesUs as error:
        if error.code == ADDRESS_NOT_ALLOWED:
            text = f"refused ({error.code}): this machine's address is not on the provider's list: have it added there"
            raise CheckFailed(text) from None
        raise CheckFailed(f"refused ({error.code}): correct the credentials in {setting}") from None
    except ProviderUnavailable as error:
        raise CheckFailed(f"no usable answer ({error.code}): check {setting}.base_url and the network") from None
    except ReplyUnproven as error:
        raise CheckFailed(f"answers without proof ({error.code}): check the keys and base_url of {setting}") from None
    return f"{account.provider_name}, {account.environment}"
