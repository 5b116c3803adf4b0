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


class ChosenSecret(SecretStr):
    """A secret that we choose, so it can be strong. A provider dictates the others."""


def _mark_as_chosen(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    return tuple(ChosenSecret(secret.get_secret_value()) for secret in secrets)


Secrets: TypeAlias = Annotated[tuple[SecretStr, ...], BeforeValidator(_as_tuple), AfterValidator(_refuse_empty)]
ChosenSecrets: TypeAlias = Annotated[Secrets, AfterValidator(_mark_as_chosen)]
"""Secrets that we choose. `vigil.config.chosen_secrets` refuses the weak ones when settings are loaded."""

FEWEST_BITS: Final = 128
SHORTEST: Final = 24
FEWEST_DIFFERENT: Final = 8
_SCHEME: Final = re.compile(r"(?:Basic|Bearer) +", re.IGNORECASE)
_ALPHABETS: Final = ((re.compile(r"\d+"), 3.32), (re.compile(r"[\da-f]+|[\dA-F]+"), 4.0))
"""Texts of a small alphabet, and the bits of one of its characters. Every other character counts 5.34 bits."""
_WORDS: Final = re.compile(r"([a-z\W_]+|[A-Z\W_]+|(?:[A-Z][a-z]+[\W_]*)+)\d{0,4}")


def find_weakness(secret: str) -> str | None:
    """Return why a secret of ours may be guessed; None if it seems to have 128 bits.

    This finds texts that people think up. It cannot find a predictable text that looks random.
    """
    text = _SCHEME.sub("", secret, count=1)
    bits = next((bits for alphabet, bits in _ALPHABETS if alphabet.fullmatch(text)), 5.34)
    if len(text) < SHORTEST or len(text) * bits < FEWEST_BITS:
        return f"is too short: it needs {FEWEST_BITS} bits, such as 32 random hexadecimal digits"
    if len(set(text)) < FEWEST_DIFFERENT or text in (text + text)[1:-1]:
        return "repeats itself"
    return "looks like words" if _WORDS.fullmatch(text) else None


def matches(presented: str | None, secrets: tuple[SecretStr, ...]) -> bool:
    """Compare with every live secret in constant time; all are compared whichever matches."""
    given = (presented or "").encode(errors="surrogatepass")  # a body in JSON may present any text
    found = [hmac.compare_digest(given, secret.get_secret_value().encode()) for secret in secrets]
    return presented is not None and any(found)
