"""Who asks the codec server: a person with a token of the UI's issuer, or somebody with the shared token."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import jwt
from pydantic import SecretStr

from vigil.audit import Reader
from vigil.config.codec_settings import CodecSettings, OidcSettings
from vigil.domain.secrets import matches

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key. A keyed digest would let whoever knows the public key sign."""
_LEEWAY: Final = 30
"""Seconds by which clocks may differ."""
_KEYS_WITHIN: Final = 5
"""Seconds."""


class TokenRefused(Exception):
    """There is no token, or it is wrong."""


class NotInGroup(Exception):
    """The token is good, and its person is not in the group."""


class KeysUnavailable(Exception):
    """The issuer does not give its keys, so no token can be checked."""


class Tokens(Protocol):
    """Says who presents a token."""

    async def reader(self, token: str) -> Reader:
        """Return who it is. Raises `TokenRefused`, `NotInGroup`, `KeysUnavailable`."""


def open_tokens(settings: CodecSettings) -> Tokens:
    """Return the check that the settings ask for."""
    return IssuedTokens(settings.oidc) if settings.oidc else SharedToken(settings.token or ())


@dataclass(frozen=True)
class SharedToken:
    """One token for everybody."""

    secrets: tuple[SecretStr, ...]

    async def reader(self, token: str) -> Reader:
        """Return a reader without a name."""
        if not matches(token, self.secrets):
            raise TokenRefused
        return Reader("shared token", "token")


class IssuedTokens:
    """Tokens of an OpenID Connect issuer, which sign by keys that it publishes. The keys are cached."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._keys = jwt.PyJWKClient(settings.jwks_url, timeout=_KEYS_WITHIN)

    async def reader(self, token: str) -> Reader:
        """Return the person whom the token is about."""
        claims = await asyncio.to_thread(self._claims, token)
        groups = claims.get(self._settings.groups_claim)
        if not isinstance(groups, list) or self._settings.group not in groups:
            raise NotInGroup
        return Reader(str(claims["sub"]), "token")

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise KeysUnavailable from None
        except jwt.PyJWTError:
            raise TokenRefused from None
        return claims
