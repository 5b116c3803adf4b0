"""Both stores, each fresh: a folder on disk and a bucket of an S3 server on loopback."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from obstore.store import S3Store

from tests.s3_server import make_s3_server
from vigil.sealing.keysets import Keysets, make_keysets
from vigil.sealing.storage import SealedStorage
from vigil.storage.contract import Storage
from vigil.storage.folder import FolderStorage
from vigil.storage.object_store import ObjectStorage

BUCKET = "vigil-tests"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = make_s3_server(0)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    httpx.put(f"{endpoint}/{BUCKET}").raise_for_status()
    yield endpoint
    server.shutdown()
    thread.join()


def s3_store(endpoint: str, *, bucket: str = BUCKET) -> S3Store:
    return S3Store(
        bucket,
        prefix=f"vigil/{secrets.token_hex(4)}",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="test",
        secret_access_key="test",
        copy_if_not_exists="multipart",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


@pytest.fixture
def bucket(s3_endpoint: str) -> S3Store:
    return s3_store(s3_endpoint)


def _folder(request: pytest.FixtureRequest) -> Storage:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return FolderStorage(tmp_path / "store")


def _s3(request: pytest.FixtureRequest) -> Storage:
    return ObjectStorage(request.getfixturevalue("bucket"))


def _keysets(request: pytest.FixtureRequest) -> Keysets:
    folder: Path = request.getfixturevalue("tmp_path") / "keys"
    make_keysets(folder)
    return Keysets(folder)


def _sealed_folder(request: pytest.FixtureRequest) -> Storage:
    data_keys = FolderStorage(request.getfixturevalue("tmp_path") / "data-keys")
    return SealedStorage(_folder(request), _keysets(request), data_keys)


def _sealed_s3(request: pytest.FixtureRequest) -> Storage:
    data_keys = FolderStorage(request.getfixturevalue("tmp_path") / "data-keys")
    return SealedStorage(_s3(request), _keysets(request), data_keys)


STORES: dict[str, Callable[[pytest.FixtureRequest], Storage]] = {
    "folder": _folder,
    "s3": _s3,
    "sealed folder": _sealed_folder,
    "sealed s3": _sealed_s3,
}


@pytest.fixture(params=sorted(STORES))
def storage(request: pytest.FixtureRequest) -> Storage:
    return STORES[request.param](request)
