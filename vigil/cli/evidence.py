"""`vigil evidence`: the files of a verification."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from vigil.audit import Read, Reader
from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.target import find_key
from vigil.domain.evidence import EvidenceRow
from vigil.domain.terms import ArtifactState
from vigil.export import ENDINGS
from vigil.runtime import Runtime


def download_files(
    config: Path | None, account: str, reference: str, names: Sequence[str], folder: Path
) -> Sequence[Path]:
    """Write stored files to a folder, for its owner alone, and return their paths. No names: all stored files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return asyncio.run(_download(config, account, reference, names, folder))


async def _download(
    config: Path | None, account: str, reference: str, names: Sequence[str], folder: Path
) -> Sequence[Path]:
    async with open_installation(config) as runtime:
        key = await find_key(runtime, account, reference)
        record, path = await runtime.lookup.read_record(key), runtime.tracker.path(key)
        rows = {row.name: row for row in record.evidence if row.state is ArtifactState.STORED}
        if missing := sorted(set(names) - rows.keys()):
            known = ", ".join(sorted(rows)) or "none"
            raise CommandError(f"There is no stored file {', '.join(missing)}; stored are: {known}.")
        wanted = [row for name, row in rows.items() if not names or name in names]
        for row in wanted:
            await runtime.audit.note(Reader.of_command_line(), Read.FILE, path=path, item=row.name)
        return [await _write(runtime, row, folder) for row in wanted]


async def _write(runtime: Runtime, row: EvidenceRow, folder: Path) -> Path:
    path = folder / f"{row.name}{ENDINGS.get(row.media_type or '', '')}"
    try:
        with path.open("xb") as file:
            async for chunk in runtime.storage.open(row.stored_as or ""):
                file.write(chunk)
    except FileExistsError:
        raise CommandError(f"{path} exists already: name another folder with --to.") from None
    return path
