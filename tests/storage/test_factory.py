"""Storage by URL."""

from pathlib import Path

import pytest

from tests.storage.conftest import BUCKET
from tests.storage.test_contract import stream
from vigil.storage.factory import open_storage

MEBIBYTE = 1024 * 1024


async def test_a_file_url_opens_its_folder_and_makes_it(tmp_path: Path) -> None:
    storage = open_storage(f"{(tmp_path / 'new folder/store').as_uri()}")

    await storage.put_new("a/one", b"content")

    assert (tmp_path / "new folder/store/a/one").read_bytes() == b"content"


async def test_an_s3_url_opens_its_bucket_under_its_prefix(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    inner, outer = open_storage(f"s3://{BUCKET}/by-url/inner"), open_storage(f"s3://{BUCKET}/by-url")

    await inner.put_new("a/film", stream(*[b"x" * MEBIBYTE] * 10))

    assert await inner.size("a/film") == 10_485_760
    assert await outer.list("") == ["inner/a/film"]


@pytest.mark.parametrize("url", ["", "/var/lib/vigil", "http://bucket/", "memory:///"])
def test_another_kind_of_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with"):
        open_storage(url)


@pytest.mark.parametrize("url", ["file://data/vigil", "file:data", "file://"])
def test_a_file_url_without_a_full_path_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="three slashes"):
        open_storage(url)


def test_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="must begin with") as refused:
        open_storage("https://key:secret@bucket.example/")

    assert "secret" not in str(refused.value)
