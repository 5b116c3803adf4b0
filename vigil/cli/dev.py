"""`vigil dev`: the whole stack on this machine, staying up, with its data kept from one time to the next."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from vigil.cli.context import DEV_FOLDER
from vigil.cli.errors import CommandError
from vigil.config.settings import load_settings
from vigil.demo.foreground import show_addresses, stopped_in_order, until_asked_to_stop
from vigil.demo.stack import Ports, Stack, StackFailed
from vigil.simulator.registry import PLAYED

TIME_SCALE: Final = 60.0
"""A minute of contract time passes in a second; what is expected within 15 minutes is polled for after 15 s."""


def _port(help_: str) -> Any:
    return typer.Option(min=1, max=65535, metavar="PORT", help=help_)


def dev(
    *,
    temporal_port: Annotated[int, _port("Temporal's own.")] = 7233,
    ui_port: Annotated[int, _port("Temporal's pages.")] = 8233,
    api_port: Annotated[int, _port("Callbacks and backends.")] = 8000,
    simulator_port: Annotated[int, _port("The played providers.")] = 9000,
    mail_port: Annotated[int, _port("The played mail server.")] = 9025,
    folder: Annotated[Path, typer.Option(help="Where settings, data and logs rest.", metavar="FOLDER")] = DEV_FOLDER,
) -> None:
    """Run Temporal, the simulator, the API and a worker on this machine, until Ctrl-C."""
    ports = Ports(temporal=temporal_port, ui=ui_port, api=api_port, simulator=simulator_port, mail=mail_port)
    stack = Stack(folder, ports, accounts=PLAYED, time_scale=_time_scale(folder))
    _refuse_other_ports(stack, ports)
    if taken := ports.taken():
        who = ", ".join(f"{port} (for {name})" for name, port in taken)
        raise CommandError(
            f"In use by another program: port {who}. Stop it, or choose others with --api-port and so on."
        )
    asyncio.run(stopped_in_order(_stay_up(stack)))


async def _stay_up(stack: Stack) -> None:
    console = Console()
    try:
        with console.status("Starting Temporal, the simulator, the API and a worker"):
            await stack.start()
        show_addresses(console, stack)
        obituaries = asyncio.create_task(_tell_deaths(stack, console))
        await until_asked_to_stop()
        obituaries.cancel()
        console.print("Stopping")
    except StackFailed as error:
        raise CommandError(str(error)) from None
    finally:
        await stack.stop()


async def _tell_deaths(stack: Stack, console: Console) -> None:
    while True:
        name = await stack.next_death()
        console.print(Text(f"\n✗ {name} has ended; the rest goes on. The end of {stack.log(name)}:", style="bold red"))
        console.print(Text(stack.last_words(name), style="dim"), soft_wrap=True)


def _time_scale(folder: Path) -> float:
    file = folder / "vigil.toml"
    return load_settings(file).time_scale if file.exists() else TIME_SCALE


def _refuse_other_ports(stack: Stack, ports: Ports) -> None:
    """The settings that are there hold addresses; other ports would leave us talking to nobody."""
    if not stack.config.exists():
        return
    settings = load_settings(stack.config, environ={})
    email = settings.messages.email
    wanted: Sequence[tuple[str, object, object]] = (
        ("[temporal] address", settings.temporal.address, os.environ.get("TEMPORAL_ADDRESS") or stack.temporal_address),
        ("[api] public_url", settings.api.public_url, stack.api),
        ("[messages.email] port", email and email.port, email and ports.mail),
        *(
            (
                f"accounts.{played.name}.base_url",
                settings.accounts[played.name].own.base_url,
                played.settings["base_url"].replace("{simulator}", stack.simulator),
            )
            for played in PLAYED
            if played.name in settings.accounts
        ),
    )
    for name, found, want in wanted:
        if found != want:
            raise CommandError(
                f"{stack.config}: {name} is {found}, not {want}: give the same ports, or another --folder."
            )
