"""The settings of message senders: `[messages] sms` and `email`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, JsonValue, SecretStr, model_validator

from vigil.domain.models import StrictModel
from vigil.domain.secrets import is_placeholder
from vigil.messaging.gateway import PLACEHOLDER


def _real(secret: SecretStr) -> SecretStr:
    if is_placeholder(secret.get_secret_value()):
        raise ValueError("is empty or a placeholder; set a real secret")
    return secret


Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_real)]


class GatewaySettings(StrictModel):
    """An HTTP gateway for SMS. In the texts of `body`, `{to}`, `{text}` and `{id}` stand for a message's own."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
    """The address of a gateway that takes JSON."""
    headers: Mapping[str, Secret] = Field(default_factory=dict)
    """Headers of each request."""
    body: Mapping[str, JsonValue] = Field(default_factory=lambda: {"to": "{to}", "text": "{text}"})
    """The request. In its texts `{to}`, `{text}` and `{id}` stand for a message's own."""
    accepted: frozenset[Annotated[int, Field(ge=200, le=299)]] = frozenset()
    """Status codes that mean sent. Without it: any 2xx."""
    id_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")] = "Idempotency-Key"
    """The header with our id of a message, the same whenever one message is sent again."""
    idempotent: bool = False
    """Whether the gateway sends a message once that it is given twice with one id.

    Only then is a message given to it again whose result is unknown.
    """
    allow_private: bool = False
    """Whether the address may lie in a private network, or begin with `http://`."""
    prefixes: tuple[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")], ...] = ()
    """The beginnings of the numbers that messages may go to, such as `+49`. Without it: any."""

    @model_validator(mode="after")
    def _says_what_is_to_be_sent(self) -> Self:
        named = {found[1] for text in _texts(dict(self.body)) for found in PLACEHOLDER.finditer(text)}
        missing = sorted({"to", "text"} - named)
        if missing:
            raise ValueError(f"body must hold {' and '.join(f'{{{name}}}' for name in missing)} in a text")
        if not self.allow_private and not self.url.startswith("https://"):
            raise ValueError("url must begin with https://, unless allow_private is true")
        return self


class MailServerSettings(StrictModel):
    """A mail server. `security`: `starttls`, `tls` from the first byte on, or `none`."""

    host: Annotated[str, Field(pattern=r"^[^\s/@]+$")]
    """The mail server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` begins with the first byte. A production account takes `none` only in a private network."""
    username: str | None = None
    """Given with `password`, or neither."""
    password: Secret | None = None
    """Given with `username`."""
    ca_file: str | None = None
    """Certificates to trust, such as of a private authority. Without it: those of this machine."""
    from_address: Annotated[str, Field(pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$")]
    """The sender's address."""
    from_name: str = ""
    """The sender's name."""
    subject: str = "Your identity verification"
    """The subject where the provider gives none."""

    @model_validator(mode="after")
    def _logs_in_safely(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("give username and password, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("security must be starttls or tls where there is a password")
        return self


class MessageLimits(StrictModel):
    """How many messages are sent, over all processes."""

    per_verification: Annotated[int, Field(ge=1, le=1000)] = 5
    """For one verification, over all processes."""
    per_receiver_and_hour: Annotated[int, Field(ge=1, le=1000)] = 5
    """To one receiver in an hour, over all processes."""
    per_account_and_minute: Annotated[int, Field(ge=1, le=1000)] = 60
    """For one account in a minute, over all processes."""


class MessageSettings(StrictModel):
    """The message sender of each channel; without one, messages of that channel are not sent."""

    sms: GatewaySettings | None = None
    email: MailServerSettings | None = None
    limits: MessageLimits = MessageLimits()
    link_hosts: frozenset[Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]] = frozenset()
    """Hosts that links in messages may lead to, beside that of the account's `base_url`."""


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
