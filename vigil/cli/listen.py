"""`vigil listen`: print the notifications of a stack on this machine, and send them on to the program under test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console
from rich.text import Text

from vigil.cli.context import load
from vigil.cli.errors import CommandError
from vigil.cli.formatting import format_time, open_console
from vigil.config.settings import Settings
from vigil.demo.foreground import run_until_stopped
from vigil.demo.simulator_accounts import RECEIVER_PATH

_LONG_POLL: Final = 30
"""In seconds."""
_NO_RECEIVER: Final = "No endpoint of the settings is at a running simulator: start one with `vigil dev`."


def listen_to_notifications(config: Path | None, forward_to: str | None) -> None:
    """Print each notification until Ctrl-C. Raises `CommandError` if there is no receiver to follow."""
    run_until_stopped(_listen(_find_simulator(load(config)), forward_to))


async def _listen(simulator: str, forward_to: str | None) -> None:
    console = open_console()
    async with _forwarding(simulator, forward_to):
        target = f", and sends them on to {forward_to}" if forward_to else ""
        console.print(f"Prints the notifications that Vigil sends{target}, until Ctrl-C.", soft_wrap=True)
        try:
            await print_notifications(simulator, console)
        except httpx.HTTPError:
            raise CommandError(_NO_RECEIVER) from None


async def print_notifications(simulator: str, console: Console) -> None:
    """Print each notification that arrives from now on. Raises `httpx.HTTPError` if the simulator ends."""
    async with httpx.AsyncClient(base_url=simulator, trust_env=False, timeout=_LONG_POLL + 10) as http:
        last = (await http.get("/control/notifications")).raise_for_status().json()["last"]
        while True:
            query = {"after": last, "wait": _LONG_POLL}
            found = (await http.get("/control/notifications", params=query)).raise_for_status().json()
            last = found["last"]
            for notification in found["notifications"]:
                console.print(_format(notification), soft_wrap=True)


@asynccontextmanager
async def _forwarding(simulator: str, url: str | None) -> AsyncIterator[None]:
    """Let the receiver send each notification on, and answer Vigil what it was answered."""
    if url is None:
        yield
        return
    async with httpx.AsyncClient(base_url=simulator, trust_env=False) as http:
        try:
            answer = await _order(http, url)
        except httpx.HTTPError:
            raise CommandError(_NO_RECEIVER) from None
        if not answer.is_success:
            raise CommandError(f"{url} is no address that begins with http:// or https://.")
        renewal = asyncio.create_task(_renew(http, url))
        try:
            yield
        finally:
            renewal.cancel()
            with suppress(httpx.HTTPError):
                await _order(http, None)


async def _renew(http: httpx.AsyncClient, url: str) -> None:
    """Repeat the order, which holds for a while only."""
    while True:
        await asyncio.sleep(_LONG_POLL)
        with suppress(httpx.HTTPError):
            await _order(http, url)


async def _order(http: httpx.AsyncClient, url: str | None) -> httpx.Response:
    return await http.put("/control/notifications/forward", json={"url": url})


def _find_simulator(settings: Settings) -> str:
    for endpoint in settings.endpoints.values():
        simulator, is_receiver, _ = endpoint.url.rpartition(RECEIVER_PATH)
        if is_receiver:
            return simulator
    raise CommandError(_NO_RECEIVER)


def _format(notification: dict[str, Any]) -> Text:
    body = notification["body"]
    data = body["data"]
    state = " ".join(filter(None, (data["stage"], data["outcome"], data["decision"])))
    line = Text.assemble((format_time(datetime.fromisoformat(notification["at"])), "dim"), f"  {body['type']}  ")
    line.append(f"{data['account']} {data['reference']}", style="bold")
    line.append(f"  {state}  revision {data['revision']}  ")
    is_accepted = httpx.codes.is_success(notification["answered"])
    return line.append(f"answered {notification['answered']}", style="green" if is_accepted else "red")
