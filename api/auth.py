"""Who may call the API for backends: the holders of a key, or, without keys, this machine alone."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers

from api.problems import Problem
from vigil.config.keys import KeySettings, Right, hash_key
from vigil.domain.terms import Name

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FORWARDED: Final = ("forwarded", "via", "x-real-ip")
_STATE_KEY: Final = "vigil.backend"


@dataclass(frozen=True)
class Backend:
    """A caller: its name, the hashes of its keys, and what it may do. `accounts` is None where it may use all."""

    name: Name
    hashes: tuple[str, ...] = ()
    rights: frozenset[Right] = frozenset(Right)
    accounts: frozenset[Name] | None = None
    endpoints: frozenset[Name] | None = None
    own_only: bool = False

    @classmethod
    def of(cls, key: KeySettings) -> "Backend":
        """Return the holder of a key. Without named endpoints an `own_only` key has none."""
        named = () if key.endpoints is None and key.own_only else key.endpoints
        return cls(
            name=key.name,
            hashes=key.hashes,
            rights=frozenset(key.may),
            accounts=None if key.accounts is None else frozenset(key.accounts),
            endpoints=None if named is None else frozenset(named),
            own_only=key.own_only,
        )

    def require_right(self, right: Right) -> None:
        """Raise `Problem` 403 if the key does not have the right."""
        if right not in self.rights:
            raise Problem(403, "right_missing", "The key may not do this", detail=f"It needs the right {right}")

    def require_account(self, account: str | None) -> None:
        """Raise `Problem` 403 if the key is not for the account."""
        if not self.may_use(account):
            raise Problem(403, "other_account", "The key may not use this account")

    def may_use(self, account: str | None) -> bool:
        """Whether the key is for the account. Only a key for all accounts is for what names none."""
        return self.accounts is None or account in self.accounts

    def require_endpoints(self, names: Collection[str]) -> None:
        """Raise `Problem` 403 if the key may not let one of the endpoints be notified."""
        if self.endpoints is not None and not self.endpoints.issuperset(names):
            raise Problem(403, "other_endpoint", "The key may not use an endpoint in `notify`")


LOCAL: Final = Backend("local")
"""Whoever calls from this machine while the settings have no key."""


class Backends:
    """Identifies the calling backend."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._backends = tuple(backends)

    @property
    def has_keys(self) -> bool:
        """Whether anybody has a key; without one, this machine alone may call."""
        return bool(self._backends)

    def identify(self, headers: Headers, peer: str) -> Backend:
        """Return the caller. Raises `Problem` 401 or 403."""
        if not self._backends:
            _require_local(headers, peer)
            return LOCAL
        scheme, _, presented = headers.get("authorization", "").partition(" ")
        holder = self.holder_of(presented.strip())
        if scheme.lower() != "bearer" or holder is None:
            raise Problem(401, "not_authorized", "Send a backend's key", headers={"WWW-Authenticate": "Bearer"})
        return holder

    def holder_of(self, key: str) -> Backend | None:
        """Return whose key it is; None: nobody's."""
        given = hash_key(key)
        # Every hash is compared, so that the duration does not show which one matches.
        found = [each for each in self._backends for known in each.hashes if hmac.compare_digest(given, known)]
        return found[0] if found else None


BEARER: Final = HTTPBearer(auto_error=False, description="A backend's key, from `[api] keys` in the settings.")
"""For the OpenAPI document only: `Backends` decides."""


def remember_backend(request_state: dict[str, object], backend: Backend) -> None:
    """Put the caller into the state of a request, from which `backend_of` reads it."""
    request_state[_STATE_KEY] = backend


def backend_of(request: Request) -> Backend:
    """Return the caller that the layer in front of the routes has identified."""
    backend: Backend = request.scope["state"][_STATE_KEY]
    return backend


def find_backend(request: Request) -> Backend | None:
    """Return the caller of a route that may also be called without a key; None: nobody is identified."""
    backend: Backend | None = request.scope.get("state", {}).get(_STATE_KEY)
    return backend


def _require_local(headers: Headers, peer: str) -> None:
    """Accept this machine alone. A forwarded request comes from elsewhere, and so does a rebound name in a browser."""
    named = headers.get("host", "").lower()
    named = named if named.endswith("]") else named.rpartition(":")[0] or named
    is_forwarded = any(name in _FORWARDED or name.startswith("x-forwarded-") for name in headers)
    if not _is_loopback(peer) or named not in _LOOPBACK_NAMES or is_forwarded:
        raise Problem(403, "no_keys", "Without [api] keys in the settings only this machine may call")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
