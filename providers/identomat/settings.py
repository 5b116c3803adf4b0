"""What an Identomat account must be told."""

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, model_validator

from domain.secrets import Secrets
from providers.contract import AccountSettings

ADDRESS: Final = "https://widget.identomat.com/external-api"
"""One for all: no address for tests was ever seen."""

KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "x-request-id"})
"""Names of the headers of a callback that are stored with its receipt; the secret travels in the body."""


class IdentomatSettings(AccountSettings, frozen=True):
    """One account."""

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

    @model_validator(mode="before")
    @classmethod
    def _address_if_none_is_given(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("base_url"):
            return given
        return {**given, "base_url": ADDRESS}
