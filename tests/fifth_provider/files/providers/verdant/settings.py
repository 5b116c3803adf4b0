"""What a Verdant account must be told."""

from typing import Annotated, Final

from pydantic import Field

from domain.secrets import Secrets
from providers.contract import AccountSettings

KEPT_HEADERS: Final = frozenset({"content-type", "user-agent"})
"""Names of the headers of a callback that are stored with its receipt."""


class VerdantSettings(AccountSettings, frozen=True):
    """One account."""

    api_key: Annotated[Secrets, Field(max_length=1)]
    """One secret: it is what we present."""
    callback_token: Secrets
    """The `token` that Verdant writes into the body of each callback."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes (unknown: no source bounds a file)."""
