"""The settings of a Verdant account."""

from typing import Annotated

from pydantic import Field

from vigil.domain.secrets import ChosenSecrets, Secrets
from vigil.providers.account_settings import AccountSettings


class VerdantSettings(AccountSettings, frozen=True):
    """One account."""

    api_key: Annotated[Secrets, Field(max_length=1)]
    """One secret: we present it."""
    callback_token: ChosenSecrets
    """The `token` in the body of each callback."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes. No source limits files (unknown)."""
