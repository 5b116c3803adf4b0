"""What sealing costs: MB/s of a large file, and milliseconds of a small record, beside the same store in clear."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Final

from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import Storage
from vigil.storage.folder import FolderStorage

FILE: Final = 256 * 1024 * 1024
CHUNK: Final = 256 * 1024
RECORD: Final = bytes(3000)
RECORDS: Final = 200
ROUNDS: Final = 3
_MEGABYTE: Final = 1_000_000


async def main() -> None:
    """Measure both stores in turns, and print the median of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        plain, keys = FolderStorage(Path(folder) / "plain"), Path(folder) / "keys"
        make_keysets(keys)
        stores: dict[str, Storage] = {
            "in clear": plain,
            "sealed": SealedStorage(FolderStorage(Path(folder) / "sealed"), Keysets(keys)),
        }
        rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in stores}
        for number in range(ROUNDS):
            for name, storage in stores.items():
                rounds[name].append(await _measure(storage, f"verifications/acme/v-{number}"))
    print(f"{'storage in a folder':<22}{'write MB/s':>12}{'read MB/s':>12}{'write 3 kB ms':>15}{'read 3 kB ms':>14}")
    for name, measured in rounds.items():
        writes, reads, record_writes, record_reads = (median(column) for column in zip(*measured, strict=True))
        print(f"{name:<22}{writes:>12.0f}{reads:>12.0f}{record_writes:>15.2f}{record_reads:>14.2f}")


async def _measure(storage: Storage, place: str) -> tuple[float, ...]:
    file, started = f"{place}/artifacts/film", time.perf_counter()
    await storage.put_new(file, _film())
    written = time.perf_counter()
    size = 0
    async for chunk in storage.open(file):
        size += len(chunk)
    read = time.perf_counter()
    if size != FILE:
        raise RuntimeError("the file came back with another size")
    for number in range(RECORDS):
        await storage.put_new(f"{place}/records/{number:06}", RECORD)
    records_written = time.perf_counter()
    for number in range(RECORDS):
        await storage.read(f"{place}/records/{number:06}")
    records_read = time.perf_counter()
    await storage.erase(file)
    megabytes, each = FILE / _MEGABYTE, 1000 / RECORDS
    return (
        megabytes / (written - started),
        megabytes / (read - written),
        each * (records_written - read),
        each * (records_read - records_written),
    )


async def _film() -> AsyncIterator[bytes]:
    for _ in range(FILE // CHUNK):
        yield bytes(CHUNK)


if __name__ == "__main__":
    asyncio.run(main())
