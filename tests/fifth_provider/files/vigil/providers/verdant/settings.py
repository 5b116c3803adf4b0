"""What a Verdant account must be told."""

from typing import Annotated

from pydantic import Field

from vigil.domain.secrets import Secrets
from vigil.providers.account_settings import AccountSettings

class VerdantSettings(AccountSettings, frozen=True):
    """One account."""

    api_key: Annotated[Secrets, Field(max_length=1)]
    """One secret: it is what we present."""
    callback_token: Secrets
    """The `token` that Verdant writes into the body of each callback."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes (unknown: no source bounds a file)."""
