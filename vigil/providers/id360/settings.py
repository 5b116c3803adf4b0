"""The settings of an ID360 account."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, StringConstraints

from vigil.domain.secrets import ChosenSecrets, Secrets
from vigil.providers.account_settings import AccountSettings, SecretHeader

PRODUCTION: Final = "https://id360docaposte.com"
PREPRODUCTION: Final = "https://preprod.id360docaposte.com"


def _reject_repeats(headers: Mapping[str, Secrets]) -> Mapping[str, Secrets]:
    if len({name.lower() for name in headers}) != len(headers):
        raise ValueError("names one header twice; upper and lower case are the same")
    return headers


class Id360Settings(AccountSettings, frozen=True):
    """One account. The environment determines `base_url` if it is not given."""

    base_urls: ClassVar[Mapping[str, str]] = {"sandbox": PREPRODUCTION, "production": PRODUCTION}

    username: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    """The name with which we log in at ID360."""
    password: Annotated[Secrets, Field(max_length=1)]
    """One secret: ID360 accepts one password at a time."""
    callback_headers: Annotated[
        Mapping[SecretHeader, ChosenSecrets], Field(min_length=1), AfterValidator(_reject_repeats)
    ]
    """The headers that we configured at ID360 for its callbacks. A callback must carry all of them."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes. Documents have at most 9.5 MB (documented); no source limits videos."""
