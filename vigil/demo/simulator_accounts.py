"""Accounts at the simulator: the settings that they need, and the scenarios that fit their settings."""

import base64
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from vigil.config.keys import Right, make_key
from vigil.config.settings import Settings
from vigil.demo.ports import LOOPBACK, Ports
from vigil.sealing.keysets import make_keysets
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.simulator.story import SimulatedAccount

KEY_FILE: Final = "key"
WEBHOOK_SECRET_FILE: Final = "webhook-secret"  # noqa: S105 -- the name of a file
KEYS_FOLDER: Final = "keys"
CODEC_TOKEN_FILE: Final = "codec-token"  # noqa: S105 -- the name of a file
RECEIVER_PATH: Final = "/backend/notifications"
"""Where the simulator receives notifications in the place of a backend."""
_OUR_KEY: Final = {"name": "local", "secret": {"file": KEY_FILE}, "may": [right.value for right in Right]}
"""The one key of a stack on this machine. It has every right: whoever may read its file owns the stack."""


def find_account(settings: Settings, name: str) -> SimulatedAccount:
    """Return the simulator's account of that name, else its first account at the same provider.

    Raises `LookupError` if the simulator does not simulate the provider.
    """
    provider = settings.accounts[name].own.provider
    same_provider = [account for account in SIMULATED_ACCOUNTS if account.provider == provider]
    for account in sorted(same_provider, key=lambda account: account.name != name):
        return account
    raise LookupError(f"The simulator does not simulate {provider}.")


def build_scenario(settings: Settings, name: str, special: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a complete scenario: what all verifications of the account share, overlaid by `special`.

    Raises `LookupError` as `find_account` does.
    """
    account = find_account(settings, name)
    known = {"callback_url": settings.api.callback_url(name)}
    if account.secret_at:
        known["secret"] = _find_secret(settings.accounts[name].own, account.secret_at)
    return {name: _fill(value, known) for name, value in {**account.scenario, **special}.items()}


def write_settings(
    file: Path, accounts: Iterable[SimulatedAccount], ports: Ports, *, temporal: str, time_scale: float
) -> None:
    """Write settings whose accounts are all at the simulator, with new secrets, readable by their owner only.

    The key for the API is in a file `key` beside them, the secret of the endpoint in `webhook-secret`, the keysets in
    the folder `keys`. Raises `FileExistsError`: secrets that are in use must not be replaced.
    """
    tables: dict[str, Mapping[str, Any]] = {
        "seal": {"folder": KEYS_FOLDER},
        "temporal": {"address": temporal, "ui": f"http://{LOOPBACK}:{ports.ui}/namespaces/default"},
        "codec": {
            "host": LOOPBACK,
            "port": ports.codec,
            "ui_origin": f"http://{LOOPBACK}:{ports.ui}",
            "token": {"file": CODEC_TOKEN_FILE},
        },
        "storage": {"url": (file.parent.absolute() / "storage").as_uri()},
        "api": {"host": LOOPBACK, "port": ports.api, "public_url": ports.api_url, "keys": [_OUR_KEY]},
        "messages": {
            "link_hosts": ["widget.example.invalid"],
            "sms": {"url": f"{ports.simulator_url}/gateway/messages", "idempotent": True, "allow_private": True},
            "email": {
                "host": LOOPBACK,
                "port": ports.mail,
                "security": "none",
                "from_address": "vigil@demonstration.example",
            },
        },
        "endpoints.checkout": {
            "url": f"{ports.simulator_url}{RECEIVER_PATH}",
            "secret": {"file": WEBHOOK_SECRET_FILE},
            "allow_private": True,
            "notify_complete": True,
        },
    }
    for account in accounts:
        known = {"simulator": ports.simulator_url} | {name: make_key() for name in ("secret", "password")}
        settings = {"provider": account.provider, "environment": "sandbox", **account.settings}
        tables[f"accounts.{account.name}"] = {name: _fill(value, known) for name, value in settings.items()}
    lines = [
        "# Written by vigil for the simulator on this machine. To start afresh, delete the folder of this file.",
        f"digest_key = {_format_toml(make_key())}",
        f"time_scale = {time_scale:g}",
    ]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_format_toml(value)}" for key, value in table.items())]
    make_keysets(file.parent / KEYS_FOLDER)
    codec_endpoint(file, ports)
    _write_new(file, "\n".join(lines) + "\n")
    _write_new(key_file(file), make_key() + "\n")
    _write_new(file.parent / WEBHOOK_SECRET_FILE, _make_webhook_secret() + "\n")


def codec_endpoint(config: Path, ports: Ports) -> str:
    """Return where Temporal's UI has payloads opened, with the token, which is made if there is none."""
    file = config.parent / CODEC_TOKEN_FILE
    if not file.exists():
        config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(file, make_key() + "\n")
    return f"http://{LOOPBACK}:{ports.codec}/{file.read_text(encoding='utf-8').strip()}"


def key_file(config: Path) -> Path:
    """Return the file of the key for the API, beside the settings."""
    return config.parent / KEY_FILE


def read_key(config: Path) -> str | None:
    """Return the key for the API that `write_settings` wrote beside the settings; None: there is none."""
    file = key_file(config)
    return file.read_text(encoding="utf-8").strip() if file.exists() else None


def authorization(key: str | None) -> dict[str, str]:
    """Return the header that presents a key; none without a key."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def _make_webhook_secret() -> str:
    """Return a secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _write_new(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def _format_toml(value: Any) -> str:
    match value:
        case Mapping():
            pairs = (f"{json.dumps(key)} = {_format_toml(inner)}" for key, inner in value.items())
            return "{ " + ", ".join(pairs) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_format_toml, value)) + "]"
        case _:  # JSON writes strings, numbers and Booleans as TOML does
            return json.dumps(value, ensure_ascii=False)


def _fill(template: Any, known: Mapping[str, str]) -> Any:
    match template:
        case str():
            for name, value in known.items():
                template = template.replace("{" + name + "}", value)
            return template
        case Mapping():
            return {key: _fill(inner, known) for key, inner in template.items()}
        case list() | tuple():
            return [_fill(inner, known) for inner in template]
        case _:
            return template


def _find_secret(settings: Any, path: tuple[str, ...]) -> str:
    for step in path:
        settings = settings[step] if isinstance(settings, Mapping) else getattr(settings, step)
    newest = settings[0] if isinstance(settings, tuple) else settings
    return newest.get_secret_value() if isinstance(newest, SecretStr) else str(newest)
