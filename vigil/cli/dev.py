"""`vigil dev`: the whole stack on this machine until Ctrl-C, with data that is kept until the next start."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.text import Text

from vigil.cli.errors import CommandError
from vigil.cli.formatting import open_console
from vigil.cli.listen import print_notifications
from vigil.config.settings import Settings, load_settings
from vigil.demo.foreground import STARTING, print_addresses, run_until_stopped, wait_for_stop_signal
from vigil.demo.ports import LOOPBACK, Ports
from vigil.demo.processes import read_end
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

TIME_SCALE: Final = 60.0
"""A minute takes a second; a callback that is expected within 15 minutes is polled for after 15 s."""


def run_dev(folder: Path, ports: Ports) -> None:
    """Run the stack until Ctrl-C. Raises `CommandError` if its ports are taken, or are not those of its settings."""
    config = folder / "vigil.toml"
    settings = load_settings(config, environ={}) if config.exists() else None
    if settings is not None:
        _refuse_other_addresses(config, settings, ports)
    if taken := ports.find_taken():
        who = ", ".join(f"{port} (for {part})" for part, port in taken.items())
        raise CommandError(
            f"Another program uses port {who}. Stop that program, or choose other ports with --api-port and so on."
        )
    time_scale = settings.time_scale if settings else TIME_SCALE
    # A folder of an earlier release has no settings for it.
    shows_payloads = settings is None or settings.codec is not None
    run_until_stopped(
        _run(Stack(folder, ports, accounts=SIMULATED_ACCOUNTS, time_scale=time_scale, shows_payloads=shows_payloads))
    )


def take_free_ports(folder: Path) -> Ports:
    """Return ports that no program uses, and keep them in the folder: its settings and data name them.

    Raises `CommandError` if the folder has settings with other ports, or what it keeps cannot be read.
    """
    kept = folder / "ports.json"
    if kept.exists():
        try:
            return Ports(**json.loads(kept.read_text()))
        except (ValueError, TypeError):
            raise CommandError(f"{kept} cannot be read: remove it, or name another --folder.") from None
    if (folder / "vigil.toml").exists():
        raise CommandError(f"{folder} has settings with ports of their own: name another --folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = Ports.find_free()
    kept.write_text(json.dumps(asdict(ports)))
    return ports


async def _run(stack: Stack) -> None:
    console = open_console()
    async with stack.run(console.status(STARTING)):
        print_addresses(console, stack)
        reports = [
            asyncio.create_task(_report_ended_parts(stack, console)),
            asyncio.create_task(_print_notifications(stack, console)),
        ]
        await wait_for_stop_signal()
        for report in reports:
            report.cancel()
        console.print("Stopping")


async def _print_notifications(stack: Stack, console: Console) -> None:
    """Print what the endpoint of the stack receives, also after the simulator was started again."""
    while True:
        with suppress(httpx.HTTPError):
            await print_notifications(stack.simulator, console)
        await asyncio.sleep(1)


async def _report_ended_parts(stack: Stack, console: Console) -> None:
    while True:
        part = await stack.wait_for_ended_part()
        log = stack.log(part)
        console.print(Text(f"\n✗ {part} has ended; the other parts still run. The end of {log}:", style="bold red"))
        console.print(Text(read_end(log), style="dim"), soft_wrap=True)


def _refuse_other_addresses(config: Path, settings: Settings, ports: Ports) -> None:
    """Raise `CommandError` if the settings name other addresses than the parts will have."""
    for name, found, expected in _compare_addresses(settings, ports):
        if found != expected:
            raise CommandError(
                f"{config.absolute()}: {name} is {found}, not {expected}: give the same ports, or another --folder."
            )


def _compare_addresses(settings: Settings, ports: Ports) -> Iterator[tuple[str, object, object]]:
    temporal = os.environ.get("TEMPORAL_ADDRESS") or f"{LOOPBACK}:{ports.temporal}"
    yield "[temporal] address", settings.temporal.address, temporal
    yield "[api] public_url", settings.api.public_url, ports.api_url
    if settings.codec:
        yield "[codec] port", settings.codec.port, ports.codec
    if settings.messages.email:
        yield "[messages.email] port", settings.messages.email.port, ports.mail
    for account in SIMULATED_ACCOUNTS:
        if account.name in settings.accounts:
            expected = account.settings["base_url"].replace("{simulator}", ports.simulator_url)
            yield f"accounts.{account.name}.base_url", settings.accounts[account.name].own.base_url, expected
