"""The settings of a Signicat Assure account."""

from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vigil.domain.secrets import ChosenSecrets, Secrets
from vigil.domain.terms import Name
from vigil.providers.account_settings import AccountSettings, SecretHeader, reject_repeats
from vigil.providers.signicat.senders import EVENTS

Generation: TypeAlias = Literal["legacy", "events"]

CURRENT: Final = "https://api.signicat.com"
LEGACY_SANDBOX: Final = "https://preprod.signicat.com"
LEGACY_PRODUCTION: Final = "https://id.signicat.com (Nordics) or https://eu01.signicat.com (Europe)"


def _require_header_value(secrets: Secrets | None) -> Secrets | None:
    for secret in secrets or ():
        text = secret.get_secret_value()
        if not (text.isascii() and text.isprintable() and text == text.strip()):
            # Spaces at the ends are lost in transit, and the encoding of other characters is unknown.
            raise ValueError("must be visible ASCII without a space at its ends: headers carry nothing else unchanged")
    return secrets


def _reject_authorization(name: str | None) -> str | None:
    if name is not None and name.lower() == "authorization":
        raise ValueError("cannot be Authorization, which proves the other generation")
    return name


class SignicatSettings(AccountSettings, frozen=True):
    """One account: the callbacks that it accepts, and the API that is read.

    The generations and the environment determine `reads` and `base_url` if they are not given.
    """

    generations: Annotated[tuple[Generation, ...], Field(min_length=1), AfterValidator(reject_repeats)]
    """The accepted callbacks: those to a `notificationUrl`, those of Assure Events, or both."""
    reads: Literal["legacy", "current"]
    """Whose API is read. `legacy` where `generations` has nothing else, or else `current`."""
    client_id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[!-9;-~]+$")]
    """Visible ASCII without a colon, as HTTP Basic requires."""
    client_secret: Annotated[Secrets, Field(max_length=1)]
    """One secret: we present it."""
    authorization_header: Annotated[ChosenSecrets | None, AfterValidator(_require_header_value)] = None
    """The whole value that you gave as `authorizationHeader` with the `notificationUrl`."""
    unauthenticated: Literal["refuse", "hint"] = "refuse"
    """What to do with a legacy callback without a header: refuse it, or use it as a hint that causes a read."""
    events_secret: Secrets | None = None
    """The secret of the events' subscription. Given with `events_secret_header`, or neither."""
    events_secret_header: Annotated[SecretHeader | None, AfterValidator(_reject_authorization)] = None
    """The header in which events carry the secret, or the body's HMAC with it. Its name is unknown: no default."""
    largest_artifact: Annotated[int, Field(gt=0)] = 200 * 1024 * 1024
    """In bytes. No source limits pictures, videos or archives."""

    @property
    def only_channel(self) -> Name | None:
        """The sender of every callback if it is not the sub-provider.

        Only legacy callbacks behave as their sub-provider does; the redelivery of events is unknown.
        """
        return None if "legacy" in self.generations else EVENTS

    @model_validator(mode="before")
    @classmethod
    def _default_api(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        only_legacy = given.get("generations") in (["legacy"], ("legacy",))
        reads = given.get("reads") or ("legacy" if only_legacy else "current")
        base_url = given.get("base_url") or _default_base_url(reads, given.get("environment"))
        return {**given, "reads": reads, "base_url": base_url}

    @model_validator(mode="after")
    def _require_proof(self) -> Self:
        if "legacy" not in self.generations and self.authorization_header is not None:
            raise ValueError('authorization_header proves nothing here: generations does not hold "legacy"')
        if "legacy" in self.generations and self.authorization_header is None and self.unauthenticated == "refuse":
            raise ValueError(
                "authorization_header is missing: set it to the authorizationHeader that Signicat was given with the "
                'notificationUrl, or set unauthenticated = "hint" to accept unproven callbacks as hints'
            )
        if (self.events_secret is None) != (self.events_secret_header is None):
            raise ValueError("events_secret and events_secret_header need each other: give both or none")
        if "events" not in self.generations and self.events_secret is not None:
            raise ValueError('events_secret proves nothing here: generations does not hold "events"')
        return self


def _default_base_url(reads: object, environment: object) -> str:
    if reads != "legacy":
        return CURRENT
    if environment == "production":
        raise ValueError(f"base_url must be given for the legacy API in production: {LEGACY_PRODUCTION}")
    return LEGACY_SANDBOX
