"""What sealing costs: files, records, downloads and whole verifications, beside the same in clear. `make bench`."""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.installation import REFERENCES, Installation, run_installation
from benchmarks.publishing import Result, Table, run
from benchmarks.verifications import rate, verify
from vigil.demo.ports import LOOPBACK
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import Storage
from vigil.storage.folder import FolderStorage

FILE: Final = 256 * 1024 * 1024
CHUNK: Final = 256 * 1024
RECORD: Final = bytes(3000)
RECORDS: Final = 200
ROUNDS: Final = 3
CLEAR, SEALED, COPY = "in clear", "sealed", "plain copy"
WHOLE: Final = 60
AT_ONCE: Final = 16
_MEGABYTE: Final = 1_000_000
_OF_A_STORE: Final = (
    "write a file of 256 MB, MB/s",
    "read a file of 256 MB, MB/s",
    "write a record of 3 kB, ms",
    "read a record of 3 kB, ms",
)


async def measure() -> Result:
    """Measure everything in alternating rounds."""
    stores, downloads = await _measure_stores()
    verifications = await _measure_verifications()
    clear, sealed = (_medians(stores[name]) for name in (CLEAR, SEALED))
    rows: list[tuple[str, float, float]] = list(zip(_OF_A_STORE, clear, sealed, strict=True))
    download, whole = "download of a file of 256 MB, MB/s", f"whole verifications, {AT_ONCE} at once, 1/s"
    for what, rounds in ((download, downloads), (whole, verifications)):
        rows.append((what, median(rounds[CLEAR]), median(rounds[SEALED])))
    copied = median(downloads[COPY])
    table = [(what, plain, with_keys, with_keys / plain) for what, plain, with_keys in rows]
    return Result(
        figures={**{what: {CLEAR: plain, SEALED: with_keys} for what, plain, with_keys in rows}, COPY: copied},
        tables=[Table(("", CLEAR, SEALED, "ratio"), table)],
        notes=[f"A plain copy of the same 256 MB, from HTTP to a file that is written to the disk: {copied:.0f} MB/s."],
    )


def _medians(rounds: Sequence[Sequence[float]]) -> Sequence[float]:
    return [median(column) for column in zip(*rounds, strict=True)]


async def _measure_stores() -> tuple[Mapping[str, list[tuple[float, ...]]], Mapping[str, list[float]]]:
    """Return for each store what files and records took, and MB/s of downloads into it and of a plain copy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_keysets(folder / "keys")
        stores: dict[str, Storage] = {
            CLEAR: FolderStorage(folder / "plain"),
            SEALED: SealedStorage(FolderStorage(folder / "sealed"), Keysets(folder / "keys")),
        }
        rounds: dict[str, list[tuple[float, ...]]] = {each: [] for each in stores}
        downloads: dict[str, list[float]] = {each: [] for each in (*stores, COPY)}
        async with _file_server() as url:
            for number in range(ROUNDS):
                for each, storage in stores.items():
                    rounds[each].append(await _measure(storage, f"verifications/acme/v-{number}"))
                    downloads[each].append(await _download(url, storage, f"verifications/acme/d-{number}/film"))
                downloads[COPY].append(await _copy(url, folder / "copy"))
    return rounds, downloads


async def _download(url: str, storage: Storage, name: str) -> float:
    began = time.perf_counter()
    async with httpx.AsyncClient(trust_env=False) as http, http.stream("GET", url) as answer:
        await storage.put_new(name, answer.aiter_bytes(CHUNK))
    took = time.perf_counter() - began
    await storage.erase(name)
    return FILE / _MEGABYTE / took


async def _copy(url: str, file: Path) -> float:
    began = time.perf_counter()
    async with httpx.AsyncClient(trust_env=False) as http, http.stream("GET", url) as answer:
        with file.open("wb") as opened:
            async for chunk in answer.aiter_bytes(CHUNK):
                opened.write(chunk)
            opened.flush()
            os.fsync(opened.fileno())
    took = time.perf_counter() - began
    file.unlink()  # noqa: ASYNC240 -- nothing else runs
    return FILE / _MEGABYTE / took


@asynccontextmanager
async def _file_server() -> AsyncIterator[str]:
    """Hand out a file over HTTP as long as the context lasts."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {FILE}\r\nConnection: close\r\n\r\n".encode())
        async for chunk in _film():
            writer.write(chunk)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(send, LOOPBACK)
    async with server:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/film"


async def _measure_verifications() -> Mapping[str, list[float]]:
    """Return whole verifications a second, of an installation with keys and of one without."""
    rates: dict[str, list[float]] = {CLEAR: [], SEALED: []}
    async with AsyncExitStack() as stack:
        without = {'[seal]\nfolder = "keys"\n': "", "time_scale = ": 'seal = "off"\ntime_scale = '}
        running: dict[str, Installation] = {
            CLEAR: await stack.enter_async_context(run_installation(changes=without)),
            SEALED: await stack.enter_async_context(run_installation()),
        }
        clients = {}
        for name, installation in running.items():
            await installation.start_workers()
            clients[name] = await stack.enter_async_context(installation.backend())
            await verify(installation, clients[name], str(next(REFERENCES)))  # the first of everything is slower
        for _ in range(ROUNDS):
            for name, installation in running.items():
                rates[name].append(await _rate(installation, clients[name]))
    return rates


async def _rate(installation: Installation, http: httpx.AsyncClient) -> float:
    return await rate(lambda reference: verify(installation, http, reference), WHOLE, at_once=AT_ONCE)


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
    run(lambda _: measure(), argparse.ArgumentParser(description=__doc__))
