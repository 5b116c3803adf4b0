"""Opens a store by its URL."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from obstore.store import from_url

from vigil.storage.contract import Storage
from vigil.storage.folder import FolderStorage
from vigil.storage.object_store import ObjectStorage

if TYPE_CHECKING:  # obstore shows its option types to type checkers only
    from obstore.store import ClientConfig, RetryConfig

CLIENT: "ClientConfig" = {
    # Options given here replace AWS_ALLOW_HTTP; an http:// endpoint is set on purpose.
    "allow_http": True,
    # The overall time spans a download's body; a connection that has died shows by `read_timeout`.
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=60),
    "timeout": timedelta(minutes=30),
}
RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}


class BadStorageUrl(ValueError):
    """The URL names no store; the text says what it must be, and does not show it."""


def open_storage(url: str) -> Storage:
    """Return the store at `file:///folder`, `s3://bucket/prefix`, `gs://...` or `az://...`.

    Cloud credentials and endpoints come from the vendor's own environment variables. Raises
    `BadStorageUrl` for another kind of URL, OSError for a folder that cannot be made, obstore's
    BaseError where the vendor's variables do not suffice. Everything that is stored passes through
    the value returned here: contents are sealed here or nowhere.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file":
            return FolderStorage(_folder(parts))
        case "s3":
            store = from_url(url, client_options=CLIENT, retry_config=RETRIES, copy_if_not_exists="multipart")
            return ObjectStorage(store)
        case "gs" | "az":
            return ObjectStorage(from_url(url, client_options=CLIENT, retry_config=RETRIES))
        case _:
            raise BadStorageUrl("the storage url must begin with file:///, s3://, gs:// or az://")


def local_folder(url: str) -> Path | None:
    """Return the folder of a `file:` URL; None for a bucket. Raises `BadStorageUrl`."""
    parts = urlsplit(url)
    return _folder(parts) if parts.scheme == "file" else None


def _folder(parts: SplitResult) -> Path:
    # In file://data/vigil, "data" would be a host.
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadStorageUrl("a file storage url has three slashes and a full path: file:///var/lib/vigil")
    return Path(url2pathname(parts.path))
