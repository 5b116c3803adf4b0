"""Accounts at the simulator: what must be set for them, and what a scenario must be told of them."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from vigil.config.settings import ConfiguredAccount
from vigil.simulator.story import PlayedAccount


def scenario_for(
    account: PlayedAccount, configured: ConfiguredAccount, special: Mapping[str, Any], *, callback_url: str
) -> Mapping[str, Any]:
    """Return a whole scenario: what every one of this account says, and what is special to one."""
    known = {"callback_url": callback_url}
    if account.secret_at:
        known["secret"] = _secret(configured.own, account.secret_at)
    filled: Mapping[str, Any] = _filled({**account.scenario, **special}, known)
    return filled


def write_settings(
    file: Path,
    accounts: Iterable[PlayedAccount],
    *,
    temporal: str,
    api: str,
    simulator: str,
    mail: str,
    time_scale: float,
) -> None:
    """Write the settings of an installation that has only played accounts, with fresh secrets, for us alone to read.

    Raises `FileExistsError`: secrets that are in use are never written over.
    """
    host, _, port = api.removeprefix("http://").rpartition(":")
    tables: dict[str, dict[str, Any]] = {
        "temporal": {"address": temporal},
        "storage": {"url": (file.parent.absolute() / "storage").as_uri()},
        "api": {"host": host, "port": int(port), "public_url": api},
    }
    mail_host, _, mail_port = mail.rpartition(":")
    tables["messages"] = {
        "sms": {"url": f"{simulator}/gateway/messages", "idempotent": True, "allow_private": True},
        "email": {
            "host": mail_host,
            "port": int(mail_port),
            "security": "none",
            "from_address": "vigil@demonstration.example",
        },
    }
    for account in accounts:
        known = {"simulator": simulator, "secret": secrets.token_urlsafe(24)}
        settings = {"provider": account.provider, "environment": "sandbox", **account.settings}
        tables[f"accounts.{account.name}"] = _filled(settings, known)
    lines = [
        "# Made by vigil for the simulator on this machine. To begin anew, delete the folder that holds it.",
        f"digest_key = {_toml(secrets.token_urlsafe(32))}",
        f"time_scale = {time_scale:g}",
    ]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    _write_for_us_alone(file, "\n".join(lines) + "\n")


def _write_for_us_alone(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def _toml(value: Any) -> str:
    match value:
        case Mapping():
            return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:  # the texts, numbers and truths of JSON are also TOML's
            return json.dumps(value, ensure_ascii=False)


def _filled(template: Any, known: Mapping[str, str]) -> Any:
    match template:
        case str():
            for name, value in known.items():
                template = template.replace("{" + name + "}", value)
            return template
        case Mapping():
            return {key: _filled(inner, known) for key, inner in template.items()}
        case list() | tuple():
            return [_filled(inner, known) for inner in template]
        case _:
            return template


def _secret(settings: Any, path: tuple[str, ...]) -> str:
    for step in path:
        settings = settings[step] if isinstance(settings, Mapping) else getattr(settings, step)
    newest = settings[0] if isinstance(settings, tuple) else settings
    return newest.get_secret_value() if isinstance(newest, SecretStr) else str(newest)
