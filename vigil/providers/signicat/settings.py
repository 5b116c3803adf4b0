"""What a Signicat Assure account must be told."""

from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vigil.domain.secrets import Secrets
from vigil.domain.terms import Name
from vigil.providers.account_settings import AccountSettings, SecretHeader, reject_repeats
from vigil.providers.signicat.senders import EVENTS

Generation: TypeAlias = Literal["legacy", "events"]

CURRENT: Final = "https://api.signicat.com"
LEGACY_SANDBOX: Final = "https://preprod.signicat.com"
LEGACY_PRODUCTION: Final = "https://id.signicat.com (Nordics) or https://eu01.signicat.com (Europe)"


def _as_value(secrets: Secrets | None) -> Secrets | None:
    for secret in secrets or ():
        text = secret.get_secret_value()
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            # A space at an end is lost on the way, and of other letters nobody knows in which bytes they come.
            raise ValueError("holds what no header carries unchanged: visible ASCII, with no space at its ends, does")
    return secrets


def _reject_authorization(name: str | None) -> str | None:
    if name is not None and name.lower() == "authorization":
        raise ValueError("cannot be Authorization, which proves the other generation")
    return name


class SignicatSettings(AccountSettings, frozen=True):
    """One account: which callbacks it takes, and whose API is read.

    `reads` and `base_url` follow from the generations and the environment if they are not given.
    """

    generations: Annotated[tuple[Generation, ...], Field(min_length=1), AfterValidator(reject_repeats)]
    """Which callbacks are taken: those to a `notificationUrl`, those of Assure Events, or both."""
    reads: Literal["legacy", "current"]
    client_id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[!-9;-~]+$")]
    """Visible ASCII without a colon: HTTP Basic can carry no other."""
    client_secret: Annotated[Secrets, Field(max_length=1)]
    """One secret: a second one would only be a second guess."""
    authorization_header: Annotated[Secrets | None, AfterValidator(_as_value)] = None
    """The whole value that we gave as `authorizationHeader`, next to the `notificationUrl`."""
    unauthenticated: Literal["refuse", "hint"] = "refuse"
    """What a legacy callback without a header is: refused, or a hint that wakes us and proves nothing."""
    events_secret: Secrets | None = None
    events_secret_header: Annotated[SecretHeader | None, AfterValidator(_reject_authorization)] = None
    """The header in which events carry the secret, or the body's HMAC under it. Its name is unknown: no default."""
    largest_artifact: Annotated[int, Field(gt=0)] = 200 * 1024 * 1024
    """In bytes. No source bounds pictures, videos or archives."""

    @property
    def only_channel(self) -> Name | None:
        """The sender of every callback where that is not the sub-provider.

        A sub-provider's habits hold for legacy callbacks; how often an event comes again is unknown.
        """
        return None if "legacy" in self.generations else EVENTS

    @model_validator(mode="before")
    @classmethod
    def _whose_api_and_where(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        only_legacy = given.get("generations") in (["legacy"], ("legacy",))
        reads = given.get("reads") or ("legacy" if only_legacy else "current")
        base_url = given.get("base_url") or _address(reads, given.get("environment"))
        return {**given, "reads": reads, "base_url": base_url}

    @model_validator(mode="after")
    def _callbacks_can_be_proven(self) -> Self:
        if "legacy" not in self.generations and self.authorization_header is not None:
            raise ValueError('authorization_header proves nothing here: generations does not hold "legacy"')
        if "legacy" in self.generations and self.authorization_header is None and self.unauthenticated == "refuse":
            raise ValueError(
                "authorization_header is missing: set it to the authorizationHeader that Signicat was given with the "
                'notificationUrl, or set unauthenticated = "hint" to take callbacks that prove nothing as hints'
            )
        if (self.events_secret is None) != (self.events_secret_header is None):
            raise ValueError("events_secret and events_secret_header need each other: give both or none")
        if "events" not in self.generations and self.events_secret is not None:
            raise ValueError('events_secret proves nothing here: generations does not hold "events"')
        return self


def _address(reads: object, environment: object) -> str:
    if reads != "legacy":
        return CURRENT
    if environment == "production":
        raise ValueError(f"base_url must be given for the legacy API in production: {LEGACY_PRODUCTION}")
    return LEGACY_SANDBOX
