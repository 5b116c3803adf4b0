"""Secrets of which two may be live, so that a rotation refuses nobody."""

import hmac
import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, SecretStr

_STOPGAP: Final = re.compile(
    r"(change|replace|insert|your|real|secret|password|key|token|todo|example|placeholder|here|this|the|my|me|x|\W|_)*",
    re.IGNORECASE,
)


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str | SecretStr) else value


def is_placeholder(text: str) -> bool:
    """Whether a text is empty, or made of nothing but the words that examples put where a secret belongs."""
    return _STOPGAP.fullmatch(text) is not None


def _refuse_empty(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not 1 <= len(secrets) <= 2:  # noqa: PLR2004 -- the old one and the new one
        msg = "give one secret, or two during a rotation"
        raise ValueError(msg)
    for secret in secrets:
        if is_placeholder(secret.get_secret_value()):
            msg = "is empty or a placeholder; set a real secret"
            raise ValueError(msg)
    return secrets


Secrets: TypeAlias = Annotated[tuple[SecretStr, ...], BeforeValidator(_as_tuple), AfterValidator(_refuse_empty)]


def matches(presented: str | None, secrets: tuple[SecretStr, ...]) -> bool:
    """Compare with every live secret in constant time; all are compared whichever matches."""
    given = (presented or "").encode(errors="surrogatepass")  # a body in JSON may present any text
    found = [hmac.compare_digest(given, secret.get_secret_value().encode()) for secret in secrets]
    return presented is not None and any(found)
