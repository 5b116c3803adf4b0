"""What an ID360 account must be told."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, StringConstraints

from domain.secrets import Secrets
from providers.contract import AccountSettings

PRODUCTION: Final = "https://id360docaposte.com"
PREPRODUCTION: Final = "https://preprod.id360docaposte.com"

KEPT_HEADERS: Final = frozenset({"content-type", "user-agent", "x-request-id"})
"""Names of the headers of a callback that are stored with its receipt."""

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def _header_names(headers: Mapping[str, Secrets]) -> Mapping[str, Secrets]:
    if not all(_HEADER_NAME.fullmatch(name) for name in headers):
        raise ValueError("holds a name that no HTTP header can have")
    if len({name.lower() for name in headers}) != len(headers):
        raise ValueError("names one header twice; upper and lower case are the same")
    if KEPT_HEADERS.intersection(name.lower() for name in headers):
        raise ValueError("names a header that is kept with receipts and so cannot be a secret")
    return headers


class Id360Settings(AccountSettings, frozen=True):
    """One account. `base_url` follows from the environment if it is not given."""

    addresses: ClassVar[Mapping[str, str]] = {"sandbox": PREPRODUCTION, "production": PRODUCTION}

    username: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    password: Annotated[Secrets, Field(max_length=1)]
    """One secret: ID360 knows one password at a time, and a second one would only be a second guess."""
    callback_headers: Annotated[Mapping[str, Secrets], Field(min_length=1), AfterValidator(_header_names)]
    """The headers that we gave to ID360 for its callbacks; a callback must carry every one of them."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes. Uploads end at 9.5 MB (documented for documents); videos are not bounded by any source."""
