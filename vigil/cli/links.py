"""`vigil open`: where a verification, and what needs a person, is seen in a browser."""

import asyncio
import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vigil.cli.context import load, open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import open_console, print_json
from vigil.cli.target import find_key
from vigil.config.settings import Settings
from vigil.domain.verification_key import workflow_id
from vigil.listing import Filters
from vigil.temporal.messages import CONTINUOUS_DISCOVERY_WORKFLOW, NOTIFICATION_WORKFLOW
from vigil.temporal.ui_links import link_list, link_workflow

_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 -- compared, and not listened at


def open_pages(config: Path | None, account: str | None, reference: str | None, *, browse: bool, as_json: bool) -> None:
    """Print the addresses of the pages, and open the first one in a browser if there is a screen."""
    settings = load(config)
    if account is not None and account not in settings.accounts:
        raise CommandError(f"No such account: {account}. There are {', '.join(sorted(settings.accounts))}.")
    if account is not None and reference is not None:
        links = _link_verification(settings, asyncio.run(_find_path(config, account, reference)))
    else:
        links = _link_lists(settings, account)
    if as_json:
        print_json(links)
        return
    width = max(map(len, links))
    for name, address in links.items():
        print(f"{name:<{width}}  {address}")
    if settings.temporal.ui is None:
        open_console(stderr=True).print("Set [temporal] ui to get links into Temporal's UI.", style="dim")
    if browse and _has_screen():
        webbrowser.open(next(iter(links.values())))


async def _find_path(config: Path | None, account: str, reference: str) -> str:
    async with open_installation(config) as runtime:
        return runtime.tracker.path(await find_key(runtime, account, reference))


def _link_verification(settings: Settings, path: str) -> Mapping[str, str]:
    links = {"page": f"{_home(settings)}/verifications/{path}"}
    if settings.temporal.ui:
        links["Temporal"] = link_workflow(settings.temporal.ui, workflow_id(path))
    return links


def _link_lists(settings: Settings, account: str | None) -> Mapping[str, str]:
    home, only = _home(settings), f"account={account}" if account else ""
    links = {
        "needs a person": f"{home}?needs=attention{'&' if only else ''}{only}",
        "verifications": f"{home}{'?' if only else ''}{only}",
    }
    if ui := settings.temporal.ui:
        links |= {f"Temporal: {name}": link_list(ui, query) for name, query in _views(account).items()}
    return links


def _views(account: str | None) -> Mapping[str, str]:
    """Return queries for views of Temporal's list, by name."""
    found = Filters(account=account)
    under_way = "ExecutionStatus = 'Running'"
    return {
        "needs a person": found.query(needs_attention=True),
        "open": found.model_copy(update={"is_open": True}).query(),
        "stuck": found.model_copy(update={"stuck": True}).query(),
        "all": found.query(),
        "notifications": f"WorkflowType = '{NOTIFICATION_WORKFLOW}' AND {under_way}",
        "discovery": f"WorkflowType = '{CONTINUOUS_DISCOVERY_WORKFLOW}' AND {under_way}",
    }


def _home(settings: Settings) -> str:
    host = "127.0.0.1" if settings.api.host in _EVERY_ADDRESS else settings.api.host
    return f"http://{host}:{settings.api.port}/ui"


def _has_screen() -> bool:
    """Whether a browser would have a window; without one, Python starts a browser in the terminal."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
