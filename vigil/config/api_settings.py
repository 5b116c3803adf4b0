"""The settings of the HTTP API: its faces, its keys, and the endpoints that it lets backends name."""

import base64
import binascii
import re
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, model_validator

from vigil.config.keys import KeySettings
from vigil.domain.models import StrictModel
from vigil.domain.secrets import ChosenSecrets
from vigil.public_addresses import is_public

Face: TypeAlias = Literal["callbacks", "backend"]

WEBHOOK_PREFIX: Final = "whsec_"
WEBHOOK_SECRET_BYTES: Final = range(24, 65)
"""Lengths, as Standard Webhooks demands."""


def _validate_public_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
        raise ValueError("must be an address such as https://callbacks.example.com, without query and fragment")
    return url


def _validate_listener(address: str) -> str:
    if not re.fullmatch(r"[^\s:]+:\d{1,5}", address):
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:9100")
    return address


ListenerAddress: TypeAlias = Annotated[str, AfterValidator(_validate_listener)]
"""`host:port`."""


class ApiSettings(StrictModel):
    """The HTTP face. At `metrics_address`, if there is one, the process answers `/metrics` and `/health/...`."""

    host: str = "127.0.0.1"
    """Where `vigil serve api` listens; its option `--host` goes before it."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The same for `--port`."""
    public_url: Annotated[str, AfterValidator(_validate_public_url)] | None = None
    """The address that providers know. `vigil accounts` shows the callback URLs made from it."""
    faces: Annotated[tuple[Face, ...], Field(min_length=1)] = ("callbacks", "backend")
    """`callbacks` faces the internet, `backend` must not.

    One process may have both, behind a proxy that tells them apart.
    """
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Networks of our own proxies, whose `X-Forwarded-For` is believed. Never `0.0.0.0/0`."""
    connections: Annotated[int, Field(ge=8)] = 1000
    """At one moment. It shrinks to what the process has descriptors for."""
    connections_per_address: Annotated[int, Field(ge=8)] = 200
    """At one moment, from one address that is none of `trusted_proxies`."""
    keys: tuple[KeySettings, ...] = ()
    metrics_address: ListenerAddress | None = None
    """Host and port where the process also answers `/metrics` and `/health/...`, without a key.

    One process for each address.
    """
    relayed_per_second: Annotated[int, Field(ge=1, le=1000)] = 50
    """How many stored callbacks the relay of this process signals after an outage."""

    @property
    def callback_base(self) -> str:
        """The URL to which the name of an account is added for its callbacks."""
        base = self.public_url or f"http://{self.host}:{self.port}"
        return f"{base.rstrip('/')}/callbacks"

    def callback_url(self, account: str) -> str:
        """Return the URL to which the provider must send the account's callbacks."""
        return f"{self.callback_base}/{account}"


def _require_webhook_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for secret in secrets:
        text = secret.get_secret_value()
        try:
            size = len(base64.b64decode(text.removeprefix(WEBHOOK_PREFIX), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if not text.startswith(WEBHOOK_PREFIX) or size not in WEBHOOK_SECRET_BYTES:
            raise ValueError(
                f"must be {WEBHOOK_PREFIX} and the base64 of 24 to 64 random bytes, such as "
                f'`echo "{WEBHOOK_PREFIX}$(openssl rand -base64 32)"` prints'
            )
    return secrets


class EndpointSettings(StrictModel):
    """A backend's address for notifications, and the secret that signs them (Standard Webhooks)."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
    """Where the backend is notified."""
    secret: Annotated[ChosenSecrets, AfterValidator(_require_webhook_secrets)]
    """Signs the notifications: `whsec_` and the base64 of 24 to 64 random bytes, as Standard Webhooks has it."""
    allow_private: bool = False
    """Whether the address may lie in a private network, or begin with `http://`."""
    notify_complete: bool = False
    """Whether to notify also when a verification is complete, with each file stored or lost.

    It counts for verifications that are registered from then on.
    """

    @model_validator(mode="after")
    def _require_https(self) -> Self:
        if not self.allow_private and not self.url.startswith("https://"):
            raise ValueError("url must begin with https://, unless allow_private is true")
        return self

    @model_validator(mode="after")
    def _require_public_address(self) -> Self:
        host = (urlsplit(self.url).hostname or "").rstrip(".")
        if not self.allow_private and _is_private(host):
            raise ValueError("url is a private address: set allow_private = true if the endpoint is in your network")
        return self


def _is_private(host: str) -> bool:
    """Whether a host is private by its name alone. Where a name leads is known only when it is resolved."""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
