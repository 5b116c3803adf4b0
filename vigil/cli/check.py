"""`vigil check`: test the settings and everything that they name."""

import asyncio
import os
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from temporalio.service import RPCError

from vigil.cli.context import find_settings_file
from vigil.cli.endpoint_check import send_test_notification
from vigil.cli.findings import CheckFailed, Finding, print_findings, run_check
from vigil.cli.tls import find_versions
from vigil.config.accounts import OpenAccount
from vigil.config.settings import DEFAULT_FILE, Settings, SettingsError, is_exposed, load_settings
from vigil.domain.errors import ADDRESS_NOT_ALLOWED, ProviderRefusesUs, ProviderUnavailable, ReplyUnproven
from vigil.errors import TemporalUnreachable
from vigil.runtime import Runtime, open_runtime
from vigil.sealing.errors import KeysetsNotOpened, KmsFailed
from vigil.sealing.keysets import KeysetName
from vigil.sealing.kms import open_kms
from vigil.storage.contract import StorageError, StorageUnavailable, storage_name
from vigil.storage.factory import local_folder
from vigil.storage.inbox import Inbox
from vigil.temporal.connection import missing_search_attributes
from vigil.temporal.deployments import describe_deployment

COUNT_LIMIT: Final = 1000
_WITH_WORKFLOWS: Final = frozenset({"current", "ramping", "draining"})
"""States of builds; all earlier builds are drained."""
_STORAGE_FIX: Final = "correct [storage] url or its access rights"


def check_installation(config: Path | None, *, as_json: bool) -> bool:
    """Print the result of each check. Return whether every one passed."""
    return print_findings(asyncio.run(find_all(config, address=None)), as_json=as_json)


async def _find_nothing(_runtime: Runtime) -> Sequence[Finding]:
    return ()


async def find_all(
    config: Path | None,
    *,
    address: str | None,
    further: Callable[[Runtime], Awaitable[Sequence[Finding]]] = _find_nothing,
) -> list[Finding]:
    """Return what each check found, after what `further` did. TLS is tested at `address`, else at `public_url`."""
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
    try:
        async with open_runtime(settings, lazy=True) as runtime:
            found = [*await further(runtime), *await _check_runtime(settings, runtime)]
    except KeysetsNotOpened as error:
        return [*loaded, Finding("keys", is_ok=False, text=str(error))]
    address = address or settings.api.public_url
    if address is not None and address.startswith("https:"):
        found.insert(0, await check_tls(address))
    if not settings.accounts:
        found.append(Finding("accounts", is_ok=False, text="the settings have none", fix="add [accounts.<name>]"))
    return [*loaded, *found]


async def _check_runtime(settings: Settings, runtime: Runtime) -> Sequence[Finding]:
    deployment = settings.worker.deployment
    checks = [
        run_check("callback URLs", _check_callback_url(settings)),
        run_check("storage", _check_storage(runtime)),
        *([run_check("kms", _check_kms(settings.seal.kms))] if settings.seal and settings.seal.kms else []),
        run_check("quarantine", _check_quarantine(runtime)),
        run_check("temporal", _check_temporal(runtime)),
        *([run_check("builds", _check_builds(runtime, deployment))] if deployment else []),
        *(run_check(f"login {name}", _check_login(account)) for name, account in runtime.accounts.items()),
        *(
            run_check(f"endpoint {name}", send_test_notification(runtime.http, name, endpoint))
            for name, endpoint in settings.endpoints.items()
        ),
    ]
    return await asyncio.gather(*checks)


def _check_settings_file(config: Path | None) -> Finding:
    file = str(config or DEFAULT_FILE)
    if is_exposed(config):
        text = f"{file}: every user of this machine may read or write it"
        return Finding("settings", is_ok=True, text=text, fix="chmod o-rwx", is_warning=True)
    return Finding("settings", is_ok=True, text=file)


async def _check_callback_url(settings: Settings) -> str:
    if settings.api.public_url is None:
        raise CheckFailed(
            "providers do not know this API", "set [api] public_url to the address at which they reach it"
        )
    return settings.api.callback_url("<account>")


async def check_tls(address: str) -> Finding:
    """Check that providers find TLS 1.2 at an address, and a certificate that they trust."""
    try:
        offered = await find_versions(address)
    except ssl.SSLCertVerificationError:
        fix = "install one for this name, with the whole chain"
        return Finding("TLS", is_ok=False, text="the certificate of this address is not trusted", fix=fix)
    if not offered:
        text = "the address offers neither TLS 1.2 nor 1.3, or cannot be reached from here"
        return Finding("TLS", is_ok=True, text=text, fix="test it from outside", is_warning=True)
    if "TLS 1.2" not in offered:
        text = "the address offers no TLS 1.2, and no provider says that it can do without"
        return Finding("TLS", is_ok=True, text=text, fix="let the proxy offer TLS 1.2 and 1.3", is_warning=True)
    return Finding("TLS", is_ok=True, text=", ".join(offered))


async def _check_kms(url: str) -> str:
    """Encrypt and decrypt. That the keysets were opened shows only that this process may decrypt."""
    kms, text, name = open_kms(url), secrets.token_bytes(32), KeysetName.MARKS.encode()
    try:
        sealed = await asyncio.to_thread(kms.encrypt, text, name)
    except KmsFailed as error:
        fix = "give this machine the right to encrypt, or rotate keys elsewhere"
        raise CheckFailed(str(error), fix, is_warning=True) from None
    if await asyncio.to_thread(kms.decrypt, sealed, name) != text:
        raise CheckFailed(f"{url} decrypts to another text than it encrypted", "see what answers at this address")
    return f"{url} encrypts and decrypts"


async def _check_storage(runtime: Runtime) -> str:
    """Try a bucket with an object that is erased at once. A folder is only looked at, and not created."""
    url = runtime.settings.storage.url
    if (folder := local_folder(url)) is not None:
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise CheckFailed(f"{nearest} cannot be written", _STORAGE_FIX)
        if not os.access(nearest, os.R_OK):
            raise CheckFailed(f"{nearest} can be written and not listed", _STORAGE_FIX)
        return f"writable: {url}" if nearest == folder else f"the first process will create {url}"
    name = storage_name("health", f"check-{secrets.token_hex(8)}")
    storage = runtime.storage
    try:
        await storage.put_new(name, b"written by `vigil check`")
        await storage.read(name)
    except StorageError:
        raise CheckFailed("cannot be written", _STORAGE_FIX) from None
    try:
        listed = await storage.list(storage_name("health"))
    except StorageUnavailable:
        raise CheckFailed("can be written and not listed, so no receipt is found again", _STORAGE_FIX) from None
    finally:
        with suppress(StorageError):
            await storage.erase(name)
    if name not in listed:
        raise CheckFailed("does not list what was written just now", _STORAGE_FIX)
    return f"writable: {url.partition('?')[0]}"


async def _check_quarantine(runtime: Runtime) -> str:
    folder = local_folder(runtime.settings.storage.url)
    if folder is not None and not (folder / "inbox").exists():
        return "empty"
    try:
        count = await Inbox(runtime.storage).quarantined_at_least(COUNT_LIMIT)
    except StorageError:
        raise CheckFailed("cannot be listed", _STORAGE_FIX) from None
    if not count:
        return "empty"
    number = f"{count} or more" if count == COUNT_LIMIT else str(count)
    return f"callbacks without a verification: {number}; `vigil quarantine list` lists them"


async def _check_temporal(runtime: Runtime) -> str:
    client = runtime.client
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        text = f"namespace {client.namespace} gives no usable answer ({error.status.name})"
        raise CheckFailed(text, "correct [temporal] address and namespace") from None
    except RuntimeError:  # a lazy client connects at its first call
        raise TemporalUnreachable(runtime.settings.temporal.address) from None
    if missing:
        text = f"namespace {client.namespace} lacks the search attributes {', '.join(missing)}"
        raise CheckFailed(text, "run `vigil setup`")
    return f"namespace {client.namespace} has all search attributes"


async def _check_builds(runtime: Runtime, name: str) -> str:
    try:
        deployment = await describe_deployment(runtime.client, name)
    except (RPCError, RuntimeError):
        raise CheckFailed("Temporal gives no usable answer", "correct [temporal] address and namespace") from None
    if deployment is None:
        raise CheckFailed(f"no worker of the deployment {name} has asked for work yet", "start one")
    if not deployment.takes_work:
        raise CheckFailed(f"no build of the deployment {name} is current", "run `vigil deploy current BUILD`")
    return ", ".join(f"{build.name} is {build.state}" for build in deployment.builds if build.state in _WITH_WORKFLOWS)


async def _check_login(account: OpenAccount) -> str:
    setting = f"accounts.{account.name}"
    try:
        await account.provider.reader.check_login()
    except ProviderRefusesUs as error:
        if error.code == ADDRESS_NOT_ALLOWED:
            text = f"refused ({error.code}): this machine's address is not on the provider's list"
            raise CheckFailed(text, "have it added there") from None
        raise CheckFailed(f"refused ({error.code})", f"correct the credentials in {setting}") from None
    except ProviderUnavailable as error:
        raise CheckFailed(f"no usable answer ({error.code})", f"check {setting}.base_url and the network") from None
    except ReplyUnproven as error:
        fix = f"check the keys and base_url of {setting}"
        raise CheckFailed(f"answers without proof ({error.code})", fix) from None
    return f"{account.provider_name}, {account.environment}"
