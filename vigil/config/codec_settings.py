"""The settings of the codec server, which opens payloads for Temporal's UI."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vigil.domain.models import StrictModel
from vigil.domain.secrets import ChosenSecrets


def _validate_origin(origin: str) -> str:
    scheme, _, rest = origin.partition("://")
    if scheme not in {"http", "https"} or not rest or any(sign in rest for sign in "/?#@* "):
        raise ValueError("must be the origin of Temporal's UI alone, such as https://temporal.example.com")
    return origin


class OidcSettings(StrictModel):
    """Who may read payloads: a person to whom the issuer of Temporal's UI gave a token, and who is in a group."""

    issuer: Annotated[str, Field(pattern=r"^https?://\S+$")]
    """The `iss` of its tokens, to the letter."""
    jwks_url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    """Where the issuer publishes its keys: `jwks_uri` in its `.well-known/openid-configuration`."""
    audience: Annotated[str, Field(min_length=1)]
    """The `aud` of the access tokens of Temporal's UI."""
    group: Annotated[str, Field(min_length=1)]
    """The group whose members may read payloads."""
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    """The claim of the token that lists the groups of its person."""


class CodecSettings(StrictModel):
    """The codec server, `vigil serve codec`. It needs `oidc` or `token`."""

    host: str = "127.0.0.1"
    """Where it listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8234
    """The same."""
    ui_origin: Annotated[str, AfterValidator(_validate_origin)]
    """The origin of Temporal's UI. No other page may ask."""
    oidc: OidcSettings | None = None
    """Whose tokens are accepted."""
    token: ChosenSecrets | None = None
    """A token that everybody shares, as `vigil dev` has one: in the path, or as a bearer token."""

    @model_validator(mode="after")
    def _require_one_way_in(self) -> Self:
        if (self.oidc is None) == (self.token is None):
            raise ValueError("set either oidc or token")
        return self
