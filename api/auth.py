"""Who may call the API for backends: the holders of a key, or, without keys, this machine alone."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from fastapi import Request
from fastapi.security import HTTPBearer
from pydantic import SecretStr

from api.problems import Problem
from vigil.domain.terms import Name

LOCAL_CALLER: Final = "local"
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass(frozen=True)
class BackendKey:
    """A backend's name and the digests of its valid secrets. The secrets themselves are not kept."""

    name: Name
    digests: tuple[bytes, ...]

    @classmethod
    def of(cls, name: Name, secrets: Sequence[SecretStr]) -> "BackendKey":
        """Return the key with the digests of the secrets."""
        return cls(name=name, digests=tuple(_digest(secret.get_secret_value()) for secret in secrets))


class Callers:
    """Identifies the calling backend."""

    def __init__(self, keys: Sequence[BackendKey]) -> None:
        self._keys = tuple(keys)

    def identify(self, request: Request) -> Name:
        """Return the caller's name. Raises `Problem` 401 or 403."""
        if not self._keys:
            return _local_caller(request)
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        given = _digest(presented.strip())
        # Every digest is compared, so that the duration does not show which one matches.
        found = [key.name for key in self._keys for digest in key.digests if hmac.compare_digest(given, digest)]
        if scheme.lower() != "bearer" or not found:
            raise Problem(401, "not_authorized", "Send a backend's key", headers={"WWW-Authenticate": "Bearer"})
        return found[0]


BEARER: Final = HTTPBearer(auto_error=False, description="A backend's key, from `[api] keys` in the settings.")
"""For the OpenAPI document only: `Callers` decides."""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _local_caller(request: Request) -> Name:
    """Accept this machine alone. A forwarded request comes from elsewhere, and so does a rebound name in a browser."""
    host = request.client.host if request.client else ""
    named = request.headers.get("host", "").lower()
    named = named if named.endswith("]") else named.rpartition(":")[0] or named
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    if not _is_loopback(host) or named not in _LOOPBACK_NAMES or is_forwarded:
        raise Problem(403, "no_keys", "Without [api] keys in the settings only this machine may call")
    return LOCAL_CALLER


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
