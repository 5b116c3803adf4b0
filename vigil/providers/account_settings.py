"""The settings that accounts of all providers share, and the checks that several of them need."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from vigil.domain.models import StrictModel

G = TypeVar("G")

KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "x-request-id"})
"""Names, in lower case, of the callback headers that are stored with a receipt. None of them is a secret."""


LARGEST_ANSWER: Final = 10 * 1024 * 1024
"""In bytes."""


def _validate_base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address that begins with https:// or http://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no credentials, no query and no fragment")
    return url.rstrip("/")


class AccountSettings(StrictModel):
    """The settings that the accounts of all providers share."""

    provider: str
    """One of the providers below."""
    environment: str = "sandbox"
    """`sandbox` or `production`. They are two accounts, and share no secret."""
    base_url: Annotated[str, AfterValidator(_validate_base_url)]
    """The address of the provider's API. Simulators and proxies have others."""
    largest_answer: Annotated[int, Field(gt=0)] = LARGEST_ANSWER
    """In bytes, for a result. It is held in memory, so it has a limit; an attention says if an answer is over it."""
    base_urls: ClassVar[Mapping[str, str]] = {}
    """The default of `base_url` by environment; `sandbox` stands for every environment that is not listed."""

    @model_validator(mode="before")
    @classmethod
    def _default_base_url(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("base_url") or not cls.base_urls:
            return given
        base_url = cls.base_urls.get(str(given.get("environment")), cls.base_urls["sandbox"])
        return {**given, "base_url": base_url}

    @model_validator(mode="after")
    def _require_https_in_production(self) -> Self:
        if self.environment == "production" and not self.base_url.startswith("https://"):
            raise ValueError("base_url of a production account must begin with https://")
        return self


def _validate_secret_header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name):
        raise ValueError("is a name that no HTTP header can have")
    if name.lower() in KEPT_HEADERS:
        raise ValueError("names a header that is kept with receipts and so cannot be a secret")
    return name


SecretHeader: TypeAlias = Annotated[str, AfterValidator(_validate_secret_header)]
"""The name of a header that carries a secret in callbacks."""


def reject_repeats(generations: tuple[G, ...]) -> tuple[G, ...]:
    if len(set(generations)) != len(generations):
        raise ValueError("names a generation twice")
    return generations
