"""What a check found: a sentence, and how to repair it."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from rich.table import Table
from rich.text import Text

from vigil.cli.formatting import open_console, print_json
from vigil.errors import VigilError
from vigil.storage.factory import BadStorageUrl

TIMEOUT: Final = 15.0
"""Seconds for each check."""


@dataclass(frozen=True)
class Finding:
    """The result of one check. `fix` says what to do; it is empty if there is nothing to do."""

    name: str
    is_ok: bool
    text: str
    fix: str = ""
    is_warning: bool = False
    """Whether it should be corrected, though everything works."""


class CheckFailed(Exception):
    """A check failed: a sentence, and what to do."""

    def __init__(self, text: str, fix: str, *, is_warning: bool = False) -> None:
        super().__init__(text)
        self.fix = fix
        self.is_warning = is_warning


async def run_check(name: str, check: Awaitable[str]) -> Finding:
    """Return what a check found: the sentence that it returns, or its failure."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return Finding(name, is_ok=True, text=await check)
    except CheckFailed as failed:
        return Finding(name, is_ok=failed.is_warning, text=str(failed), fix=failed.fix, is_warning=failed.is_warning)
    except (BadStorageUrl, VigilError) as error:
        return Finding(name, is_ok=False, text=str(error))
    except TimeoutError:
        return Finding(
            name, is_ok=False, text=f"no answer within {TIMEOUT:g} s", fix="check the network, and try again"
        )


def print_findings(findings: Sequence[Finding], *, as_json: bool) -> bool:
    """Print what was found. Return whether every check passed."""
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
        text = f"{finding.text}: {finding.fix}" if finding.fix else finding.text
        table.add_row(mark, finding.name, Text(text, style=style))
    open_console().print(table)
    return is_ok
