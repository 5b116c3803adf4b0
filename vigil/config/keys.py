"""Keys of backends: what each may do, on which accounts. The settings need only the hash of a key."""

import hashlib
import secrets
from enum import StrEnum
from typing import Annotated, Final, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from vigil.domain.models import StrictModel
from vigil.domain.secrets import ChosenSecrets
from vigil.domain.terms import Name

PREFIX: Final = "vigil_"
"""Begins every key that we make, so that scanners of leaked secrets recognise it."""
_SCHEME: Final = "sha256:"


class Right(StrEnum):
    """What a key allows."""

    REGISTER = "register"
    """Register verifications."""
    READ = "read"
    """Read and list verifications: states, explanations, timelines, and which files there are."""
    PERSONAL = "personal"
    """Download files, and read what the provider's result returns of the applicant."""
    COMMAND = "command"
    """Poll, withdraw, and move the deadline."""
    RESOLVE = "resolve"
    """Decide in the place of the provider."""
    ERASE = "erase"
    """Erase the data of verifications, and hold data that must be kept."""
    OPERATE = "operate"
    """Read readiness, metrics, refused and quarantined callbacks."""


ORDINARY_RIGHTS: Final = (Right.REGISTER, Right.READ, Right.PERSONAL, Right.COMMAND)
"""The rights of a key whose settings name none."""


class KeyHash(str):
    """The hash of a key, as `hash_key` returns it."""

    __slots__ = ()


_KeyHash: TypeAlias = Annotated[str, Field(pattern=rf"^{_SCHEME}[0-9a-f]{{64}}$"), AfterValidator(KeyHash)]


def make_key() -> str:
    """Return a new key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> KeyHash:
    """Return the hash of a key. It is fast and has no salt, since a key is random and long: nobody guesses it."""
    return KeyHash(_SCHEME + hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest())


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class KeySettings(StrictModel):
    """The key of one backend: itself or its hash, or two of them during a rotation.

    `accounts` and `endpoints` are names of the settings; without them a key may use all. A key with `own_only` reaches
    the verifications that it registered, and only the endpoints that are named here.
    """

    name: Name
    """The backend or person that has the key. Timelines and logs show it."""
    secret: ChosenSecrets | None = None
    """The key itself. Give it or `secret_hash`."""
    secret_hash: Annotated[
        tuple[_KeyHash, ...] | None, BeforeValidator(_as_tuple), Field(min_length=1, max_length=2)
    ] = None
    """The hash of the key, or two of them, as `vigil key new NAME` prints it."""
    may: Annotated[tuple[Right, ...], Field(min_length=1)] = ORDINARY_RIGHTS
    """What the key allows."""
    accounts: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Names of the accounts that it may use. Without it: all."""
    endpoints: tuple[Name, ...] | None = None
    """Names of the endpoints that it may let be notified. Without it: all, and with `own_only` none."""
    own_only: bool = False
    """Whether it reaches only the verifications that it registered."""

    @model_validator(mode="after")
    def _require_secret(self) -> Self:
        if self.secret is None and self.secret_hash is None:
            raise ValueError("needs secret or secret_hash: `vigil key new` prints both")
        return self

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of all texts that are this key now."""
        texts = (secret.get_secret_value() for secret in self.secret or ())
        return (*map(hash_key, texts), *(self.secret_hash or ()))
