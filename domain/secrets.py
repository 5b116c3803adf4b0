"""Secrets of which two may be live, so that a rotation refuses nobody."""

import hmac
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr

_PLACEHOLDERS: Final = frozenset(
    {"changeme", "change-me", "secret", "password", "todo", "xxx", "example", "placeholder"}
)


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str | SecretStr) else value


def _refuse_empty(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not 1 <= len(secrets) <= 2:  # noqa: PLR2004 -- the old one and the new one
        msg = "give one secret, or two during a rotation"
        raise ValueError(msg)
    for secret in secrets:
        text = secret.get_secret_value().strip()
        if not text or text.lower() in _PLACEHOLDERS:
            msg = "is empty or a placeholder; set a real secret"
            raise ValueError(msg)
    return secrets


Secrets: TypeAlias = Annotated[tuple[SecretStr, ...], BeforeValidator(_as_tuple), AfterValidator(_refuse_empty)]


def matches(presented: str | None, secrets: tuple[SecretStr, ...]) -> bool:
    """Compare with every live secret in constant time; all are compared whichever matches."""
    given = (presented or "").encode()
    found = [hmac.compare_digest(given, secret.get_secret_value().encode()) for secret in secrets]
    return presented is not None and any(found)
