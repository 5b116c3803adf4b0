"""Other users of the machine, and links that lead out of the storage."""

import os
import stat
import sys
from pathlib import Path

import pytest

from vigil.config.settings import is_exposed
from vigil.demo.processes import Program
from vigil.storage.contract import StorageUnavailable
from vigil.storage.folder import FolderStorage


async def test_a_link_in_the_place_of_the_drafts_is_refused_and_nothing_is_removed_behind_it(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "storage"
    elsewhere.mkdir()
    root.mkdir()
    victim = elsewhere / "victim"
    victim.write_text("somebody's")
    os.utime(victim, (0, 0))
    (root / ".tmp").symlink_to(elsewhere)

    with pytest.raises(NotADirectoryError):
        FolderStorage(root)

    assert victim.read_text() == "somebody's"


async def test_a_link_among_the_drafts_is_not_followed(tmp_path: Path) -> None:
    victim, pipe = tmp_path / "victim", tmp_path / "pipe"
    victim.write_text("somebody's")
    os.utime(victim, (0, 0))
    os.mkfifo(pipe)
    drafts = tmp_path / "storage" / ".tmp"
    drafts.mkdir(parents=True)
    (drafts / "old").symlink_to(victim)
    (drafts / "other.draft").symlink_to(pipe)
    os.mkfifo(drafts / "third.draft")

    FolderStorage(tmp_path / "storage")

    assert victim.read_text() == "somebody's"
    assert pipe.exists()


async def test_a_link_in_the_place_of_a_content_is_not_read(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "storage")
    (tmp_path / "secret").write_text("root:x:0:0")
    (tmp_path / "storage" / "results").mkdir()
    (tmp_path / "storage" / "results" / "one").symlink_to(tmp_path / "secret")

    with pytest.raises(StorageUnavailable):
        await storage.read("results/one")
    with pytest.raises(StorageUnavailable):
        await storage.size("results/one")


async def test_names_that_differ_in_capitals_alone_are_two_files_on_a_disk_that_ignores_case(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path, ignores_case=lambda _: True)
    names = ["v/smile/JOB/records/1", "v/smile/Job/records/1", "v/smile/job/records/1", "v/smile/job2%2FA/x"]
    for name in names:
        await storage.put_new(name, name.encode())
    on_disk = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]

    assert len({path.lower() for path in on_disk}) == len(names)
    assert on_disk == [path.lower() for path in on_disk]
    assert await storage.list("") == names
    assert await storage.list("v/smile", after=names[1]) == names[2:]
    assert [await storage.read(name) for name in names] == [name.encode() for name in names]
    await storage.erase(names[0])
    assert await storage.list("") == names[1:]


async def test_names_stay_as_they_are_on_a_disk_that_distinguishes_capitals(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    if (tmp_path / "A").exists():
        pytest.skip("this disk ignores case")
    await FolderStorage(tmp_path / "storage").put_new("v/smile/JOB", b"")

    assert (tmp_path / "storage" / "v" / "smile" / "JOB").exists()


async def test_what_a_store_and_the_log_of_a_process_write_is_for_nobody_else(tmp_path: Path) -> None:
    await FolderStorage(tmp_path / "storage").put_new("v/one/two", b"")
    program = Program([sys.executable, "-c", "print(1)"], log=tmp_path / "logs" / "one.log")
    await program.start()
    await program.stop()

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for top in ("storage", "logs")
        for path in tmp_path.rglob(f"{top}/**/*")
    }
    assert modes
    assert [name for name, mode in modes.items() if mode & 0o077] == []


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_settings_file_is_exposed_if_every_user_may_read_or_write_it(
    tmp_path: Path, mode: int, *, exposed: bool
) -> None:
    file = tmp_path / "vigil.toml"
    file.write_text("")
    file.chmod(mode)

    assert is_exposed(file) is exposed
