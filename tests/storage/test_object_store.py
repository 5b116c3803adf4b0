"""What a bucket promises beyond the contract."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import obstore
import pytest
from obstore.store import S3Store

from tests.storage.conftest import BUCKET, s3_store
from tests.storage.test_contract import LineCut, cut_stream, stream
from vigil.storage.contract import NotStored, StorageUnavailable
from vigil.storage.object_store import ObjectStorage

MEBIBYTE = 1024 * 1024


def unfinished_uploads(endpoint: str) -> int:
    answer = httpx.get(f"{endpoint}/{BUCKET}?uploads")
    answer.raise_for_status()
    assert "<ListMultipartUploadsResult" in answer.text
    return answer.text.count("<UploadId>")


async def everything(bucket: S3Store) -> list[str]:
    return [row["path"] for row in await obstore.list(bucket).collect_async()]


@pytest.mark.parametrize("mebibytes", [1, 12])
async def test_a_finished_write_leaves_no_draft(bucket: S3Store, s3_endpoint: str, mebibytes: int) -> None:
    await ObjectStorage(bucket).put_new("a/film", stream(*[b"x" * MEBIBYTE] * mebibytes))

    assert await everything(bucket) == ["a/film"]
    assert unfinished_uploads(s3_endpoint) == 0


def test_an_unfinished_upload_would_be_seen(bucket: S3Store, s3_endpoint: str) -> None:
    upload = f"{s3_endpoint}/{BUCKET}/{bucket.prefix}/a/film"
    started_because = httpx.post(f"{upload}?uploads")
    assert unfinished_uploads(s3_endpoint) == 1

    upload_id = started_because.text.partition("<UploadId>")[2].partition("</UploadId>")[0]
    httpx.delete(upload, params={"uploadId": upload_id}).raise_for_status()
    assert unfinished_uploads(s3_endpoint) == 0


async def cut_after_its_parts_arrived() -> AsyncIterator[bytes]:
    """Break off when no part is on its way any more: the played store cannot take an upload back meanwhile."""
    with contextlib.suppress(LineCut):
        async for chunk in cut_stream(b"x" * MEBIBYTE, 20):
            yield chunk
    await asyncio.sleep(0.5)
    raise LineCut


async def test_a_broken_stream_leaves_no_draft_and_no_unfinished_upload(bucket: S3Store, s3_endpoint: str) -> None:
    with pytest.raises(LineCut):
        await ObjectStorage(bucket).put_new("a/film", cut_after_its_parts_arrived())

    assert await everything(bucket) == []
    assert unfinished_uploads(s3_endpoint) == 0


async def test_drafts_are_never_listed(bucket: S3Store) -> None:
    storage = ObjectStorage(bucket)
    await obstore.put_async(bucket, ".drafts/0123", b"half")
    await storage.put_new("a/one", b"content")

    assert await storage.list("", limit=1) == ["a/one"]


async def test_the_media_type_is_given_to_the_bucket(bucket: S3Store) -> None:
    await ObjectStorage(bucket).put_new("a/one", b"{}", media_type="application/json")

    answer = await obstore.get_async(bucket, "a/one")
    assert answer.attributes["Content-Type"] == "application/json"


async def test_a_bucket_that_cannot_be_reached_is_unavailable() -> None:
    storage = ObjectStorage(s3_store("http://127.0.0.1:1"))

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one", b"content")
    with pytest.raises(StorageUnavailable):
        await storage.put("a/one", stream(b"content"))
    with pytest.raises(StorageUnavailable):
        await storage.read("a/one")
    with pytest.raises(StorageUnavailable):
        await storage.list("")
    with pytest.raises(StorageUnavailable):
        await storage.erase("a/one")


async def test_writing_to_a_bucket_that_does_not_exist_is_no_success(s3_endpoint: str) -> None:
    storage = ObjectStorage(s3_store(s3_endpoint, bucket="no-such-bucket"))

    with pytest.raises(StorageUnavailable):
        await storage.put_new("a/one", b"content")
    with pytest.raises(StorageUnavailable):
        await storage.put("a/one", stream(b"content"))


async def test_a_callers_own_missing_file_is_not_taken_for_a_missing_object(bucket: S3Store) -> None:
    storage = ObjectStorage(bucket)

    class MissingFile(FileNotFoundError):
        pass

    async def source() -> AsyncIterator[bytes]:
        yield b"x" * 9 * MEBIBYTE
        raise MissingFile

    with pytest.raises(MissingFile):
        await storage.put_new("a/one", source())
    with pytest.raises(MissingFile):
        await storage.put("a/one", source())
    with pytest.raises(NotStored):
        await storage.size("a/one")
