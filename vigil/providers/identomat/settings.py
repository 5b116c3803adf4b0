"""What an Identomat account must be told."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints

from vigil.domain.secrets import Secrets
from vigil.providers.account_settings import AccountSettings

ADDRESS: Final = "https://widget.identomat.com/external-api"
"""One for all: no address for tests was ever seen."""


class IdentomatSettings(AccountSettings, frozen=True):
    """One account."""

    base_urls: ClassVar[Mapping[str, str]] = {"sandbox": ADDRESS}

    company_key: Annotated[Secrets, Field(max_length=1)]
    """One secret: a second one would only be a second guess."""
    callback_api_key: Secrets
    """What Identomat puts into its callbacks; whether it ever uses two at once is unknown, so we take two."""
    secret_key: Annotated[Secrets, Field(max_length=1)] | None = None
    """Given with a company key of the HMAC kind: our calls are signed under it, and answers must be."""
    email_address_field: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """The field that holds the address in the e-mail events, which no published text names."""
    largest_artifact: Annotated[int, Field(gt=0)] = 2 * 1024 * 1024 * 1024
    """In bytes. How large recordings are is unknown."""
    largest_image: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes."""
