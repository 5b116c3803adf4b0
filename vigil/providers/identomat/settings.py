"""The settings of an Identomat account."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints

from vigil.domain.secrets import ChosenSecrets, Secrets
from vigil.providers.account_settings import AccountSettings

ADDRESS: Final = "https://widget.identomat.com/external-api"
"""The only one: no address for tests is known."""


class IdentomatSettings(AccountSettings, frozen=True):
    """One account."""

    base_urls: ClassVar[Mapping[str, str]] = {"sandbox": ADDRESS}

    company_key: Annotated[Secrets, Field(max_length=1)]
    """One secret: we present it."""
    callback_api_key: ChosenSecrets
    """The secret in the body of callbacks. Whether Identomat ever uses two at once is unknown, so we accept two."""
    secret_key: Annotated[Secrets, Field(max_length=1)] | None = None
    """Comes with a company key of the HMAC kind: it signs our requests, and answers must be signed with it."""
    email_address_field: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """The field that holds the address in e-mail events. No published text names it."""
    largest_artifact: Annotated[int, Field(gt=0)] = 2 * 1024 * 1024 * 1024
    """In bytes. The size of recordings is unknown."""
    largest_image: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes, for pictures."""
