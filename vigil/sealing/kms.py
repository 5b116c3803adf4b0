"""A key management service (KMS) encrypts the files of keysets, so that no disk has a secret key in clear.

It is asked when a file is opened, and never for a content. The associated data of a keyset is its name: who may use the
key for `marks` alone cannot open `receipts`. Credentials come from the vendor's own variables and files.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, overload

from tink import TinkError, aead

from vigil.sealing.errors import KeysetsNotOpened, KmsFailed


class Kms(aead.Aead):  # type: ignore[misc] # Tink has no types
    """One key of a KMS. Safe to share between threads. All its errors are `KmsFailed`."""

    def __init__(self, url: str, key: aead.Aead) -> None:
        self._url = url
        self._key = key

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return a keyset encrypted; the associated data is its name."""
        try:
            return bytes(self._key.encrypt(plaintext, associated_data))
        except Exception as error:  # noqa: BLE001 -- each vendor's library has its own errors, and of networks too
            raise KmsFailed(self._url, "encrypt", associated_data.decode(), _reason(error)) from None

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Return a keyset decrypted; the associated data is its name."""
        try:
            return bytes(self._key.decrypt(ciphertext, associated_data))
        except Exception as error:  # noqa: BLE001 -- each vendor's library has its own errors, and of networks too
            raise KmsFailed(self._url, "decrypt", associated_data.decode(), _reason(error)) from None


class _VaultKey(aead.Aead):  # type: ignore[misc] # Tink has no types
    """A key of Vault's transit engine. Tink's own class takes no associated data, and the engine does."""

    def __init__(self, client: Any, mount: str, name: str) -> None:
        self._client = client
        self._mount = mount
        self._name = name

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return str(self._call("encrypt", "plaintext", _base64(plaintext), associated_data)["ciphertext"]).encode()

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        return base64.b64decode(self._call("decrypt", "ciphertext", ciphertext.decode(), associated_data)["plaintext"])

    def _call(self, verb: str, field: str, content: str, associated_data: bytes) -> Any:
        given = {field: content, "associated_data": _base64(associated_data)}
        return self._client.write_data(f"{self._mount}/{verb}/{self._name}", data=given)["data"]


def _open_aws(url: str, region: str) -> aead.Aead:
    client = import_module("tink.integration.awskms").new_client
    # The defaults would let a start wait for minutes where nothing answers.
    patience = import_module("botocore.config").Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
    )
    kms = import_module("boto3").client("kms", region_name=region, config=patience)
    return client(boto3_client=kms, key_uri=url).get_aead(url)


def _open_gcp(url: str) -> aead.Aead:
    return import_module("tink.integration.gcpkms").GcpKmsClient(url).get_aead(url)


def _open_vault(_url: str, host: str, mount: str, name: str) -> aead.Aead:
    return _VaultKey(import_module("hvac").Client(url=f"https://{host}"), mount, name)


@dataclass(frozen=True)
class _Vendor:
    form: str
    pattern: str
    package: str
    open_key: Callable[..., aead.Aead]


_VENDORS: Final = (
    _Vendor(
        "aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID",
        r"aws-kms://arn:aws:kms:([a-z0-9-]+):\d+:(?:key|alias)/[^\s]+",
        "tink[awskms]",
        _open_aws,
    ),
    _Vendor(
        "gcp-kms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY",
        r"gcp-kms://projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+",
        "tink[gcpkms]",
        _open_gcp,
    ),
    _Vendor(
        "hcvault://HOST:PORT/MOUNT/keys/KEY",
        r"hcvault://([^/\s]+)/([^\s]+)/keys/([^/\s]+)",
        "tink[hcvault]",
        _open_vault,
    ),
)


@overload
def open_kms(url: str) -> Kms: ...
@overload
def open_kms(url: None) -> None: ...
@overload
def open_kms(url: str | None) -> Kms | None: ...
def open_kms(url: str | None) -> Kms | None:
    """Return the key of a URL; None without a URL. The KMS is not asked yet. Raises `KeysetsNotOpened`."""
    if url is None:
        return None
    for vendor in _VENDORS:
        if found := re.fullmatch(vendor.pattern, url):
            return Kms(url, _open_key(vendor, url, found.groups()))
    forms = ", ".join(vendor.form for vendor in _VENDORS)
    raise KeysetsNotOpened(url, f"is no key of a KMS; write one of {forms}")


def _open_key(vendor: _Vendor, url: str, parts: tuple[str, ...]) -> aead.Aead:
    try:
        return vendor.open_key(url, *parts)
    except ImportError:
        raise KeysetsNotOpened(url, f"needs a package; install it with `pip install '{vendor.package}'`") from None
    except Exception as error:  # noqa: BLE001 -- each vendor's library has its own errors, of missing credentials mostly
        raise KeysetsNotOpened(url, f"the client of this KMS does not start ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """Return the vendor's word for an error. A text may name accounts and hosts."""
    cause = error.args[0] if isinstance(error, TinkError) and error.args else error
    match getattr(cause, "response", None):
        case {"Error": {"Code": str(code)}}:
            return code
    return type(cause).__name__


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
