"""Everything that is stored of one verification in one zip, which proves itself."""

import io
import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from tests.api.test_audit import decided
from tests.api.test_verifications import path
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, World
from vigil.domain.terms import Proof
from vigil.export import Exporter, find_export_faults
from vigil.lookup import VerificationLookup
from vigil.providers.contract import ProviderResponse
from vigil.storage.contract import under
from vigil.storage.inbox import Inbox, Receipt

RESULT = b'{"who": {"name": "Ada"}}'
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    world = World(await connect(temporal_address, "default"), tmp_path / "storage")
    world.reader.says = ProviderResponse(snapshot=APPROVED_WITH_FILE, raw=RESULT)
    return world


async def file_callback(world: World, body: bytes) -> str:
    """File a callback under the world's verification, and return its name in the export."""
    receipt = Receipt(
        received_at=datetime.now(UTC),
        account=world.account,
        correlation=None,
        proof=Proof.SECRET,
        headers={"content-type": "application/json"},
        body=body,
    )
    inbox = Inbox(world.storage)
    filed = await inbox.file_under(await inbox.keep(receipt), world.tracker.path(world.key))
    return "receipts/" + filed.rpartition("/")[2]


async def exported(world: World, to: Path) -> Path:
    """Export over HTTP."""
    async with decided(world) as client:
        answer = await client.get(path(world, "/export"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["cache-control"] == "private, no-store"
    to.write_bytes(answer.content)
    return to


async def test_an_export_has_all_that_is_stored_and_a_manifest_of_digests(world: World, tmp_path: Path) -> None:
    name = await file_callback(world, b"\xff the callback itself")
    file = await exported(world, tmp_path / "export.zip")

    with zipfile.ZipFile(file) as archive:
        held = {entry: archive.read(entry) for entry in archive.namelist()}
    manifest = json.loads(held.pop("manifest.json"))
    assert {entry["name"]: (entry["size"], entry["sha256"]) for entry in manifest["entries"]} == {
        name: (len(content), sha256(content).hexdigest()) for name, content in held.items()
    }
    assert (manifest["account"], manifest["reference"]) == (world.key.account, world.key.reference)
    assert (manifest["version"], manifest["missing"]) == (1, [])
    assert held["files/portrait-1.png"] == b"a portrait"
    assert held[f"{name}.body"] == b"\xff the callback itself"
    assert json.loads(held[f"{name}.json"])["headers"] == {"content-type": "application/json"}
    assert [content for entry, content in held.items() if entry.startswith("results/")] == [RESULT]
    assert json.loads(held["record.json"]) == json.loads(held["records/000001.json"])
    assert json.loads(held["claims.json"])["verified_claims"]["claims"] == {"given_name": "Ada"}
    assert {"registered", "revised"} <= {entry["kind"] for entry in json.loads(held["timeline.json"])}
    assert json.loads(held["notifications.json"]) == []
    assert find_export_faults(file) == []


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def _change(entry: str | None) -> Callable[[Path], None]:
    """Return a function that copies a zip with another content, or without the entry."""

    def change(file: Path) -> None:
        taken = io.BytesIO(file.read_bytes())
        with zipfile.ZipFile(taken) as source, zipfile.ZipFile(file, "w") as target:
            for name in source.namelist():
                if name != entry:
                    target.writestr(name, source.read(name))
                elif "portrait" in name:
                    target.writestr(name, b"another face")
            if entry is None:
                target.writestr("added.json", "{}")

    return change


async def test_an_export_that_was_cut_or_changed_is_found(world: World, tmp_path: Path) -> None:
    whole = await exported(world, tmp_path / "export.zip")
    ways = {
        "cut": _cut,
        "changed": _change("files/portrait-1.png"),
        "left out": _change("record.json"),
        "added": _change(None),
        "without manifest": _change("manifest.json"),
    }
    found = {}
    for what, spoil in ways.items():
        copy = tmp_path / "copy.zip"
        shutil.copy(whole, copy)
        spoil(copy)
        found[what] = find_export_faults(copy)

    assert found == {
        "cut": ["it is no complete export"],
        "changed": ["files/portrait-1.png has another content"],
        "left out": ["record.json is missing"],
        "added": ["added.json is not in the manifest"],
        "without manifest": ["it is no complete export"],
    }


async def test_a_file_that_the_storage_has_lost_is_named_as_missing(world: World, tmp_path: Path) -> None:
    async with decided(world) as client:
        await world.storage.erase(under(world.tracker.path(world.key), "artifacts", "portrait-1"))
        answer = await client.get(path(world, "/export"))

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["missing"] == ["files/portrait-1.png"]
    assert "files/portrait-1.png" not in {entry["name"] for entry in manifest["entries"]}


async def test_the_export_of_a_large_file_takes_little_memory(world: World, tmp_path: Path) -> None:
    """The file has 256 MiB; all that is held at a time is a few chunks of it."""
    async with decided(world):
        pass
    own = world.tracker.path(world.key)
    large = tmp_path / "storage" / under(own, "artifacts", "recording-1")
    large.parent.mkdir(exist_ok=True, parents=True)
    with large.open("wb") as file:
        file.truncate(256 * MEBIBYTE)
    lookup = VerificationLookup(world.tracker, world.storage, {})
    size, last = 0, b""
    tracemalloc.start()
    try:
        async for piece in await Exporter(lookup, world.storage, world.tracker.path).open(world.key):
            size, last = size + len(piece), piece
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > 256 * MEBIBYTE
    assert last[-22:-18] == b"PK\5\6"
    assert peak < 24 * MEBIBYTE
