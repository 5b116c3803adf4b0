"""`vigil export`: what is stored of one verification, as a zip."""

import asyncio
import os
from pathlib import Path

from vigil.audit import Read, Reader
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.target import find_key
from vigil.export import Exporter, find_export_faults


def export(config: Path | None, account: str, reference: str, file: Path) -> None:
    """Write a zip for its owner alone, and check it. Raises `CommandError`, also if the file exists."""
    part = file.with_name(f"{file.name}.part")
    if file.exists() or part.exists():
        raise CommandError(f"{file} or {part.name} exists already: name another file with --to.")
    try:
        asyncio.run(_write(config, account, reference, part))
        check(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def check(file: Path) -> None:
    """Raise `CommandError` if an export is not complete and unchanged."""
    if faults := find_export_faults(file):
        raise CommandError(f"{file} cannot be used: {'; '.join(faults)}.")


async def _write(config: Path | None, account: str, reference: str, part: Path) -> None:
    async with open_installation(config) as runtime:
        key = await find_key(runtime, account, reference)
        path = runtime.tracker.path
        pieces = await Exporter(runtime.lookup, runtime.storage, path).open(key)
        await runtime.audit.note(Reader.of_command_line(), Read.EXPORT, path=path(key))
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            async for piece in pieces:
                opened.write(piece)
