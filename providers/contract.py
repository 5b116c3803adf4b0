"""What a provider must be able to do: prove, read callbacks, read, open artifacts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, JsonValue, model_validator

from domain.digest import Digester
from domain.message import MessageKind
from domain.notice import Observation
from domain.sender import SenderContract
from domain.snapshot import Artifact, Question, Snapshot
from domain.terms import Instant, Name, Proof, ProviderName, SessionKind


@dataclass(frozen=True)
class CallbackRequest:
    """A callback as it came in, proven by nothing. Header names are lower case."""

    account: str
    correlation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: Instant


@dataclass(frozen=True)
class GenuineRequest:
    """A callback that `prove` has looked at, with what it found. Only this type can be read."""

    request: CallbackRequest
    proof: Proof
    kept_body: bytes = field(repr=False)
    """The body as it may be stored: secrets that came inside it are taken out."""


@dataclass(frozen=True)
class Callback:
    """One thing that a callback says. `reference` is None where the body names no verification."""

    reference: str | None
    observation: Observation
    intermediate: bool = False
    identity: str | None = None
    """Text that is the same for two deliveries of one event; it is digested before it leaves the process."""
    sender: Name | None = None
    event_id: str | None = None
    coordinates: Mapping[str, str] = field(default_factory=dict)
    session_kind: SessionKind | None = None
    unknown_fields: tuple[str, ...] = ()
    """Names in the body that the provider's documents do not have, each once; what they hold is not read."""


@dataclass(frozen=True)
class Reply:
    """What a provider answered to a question. `raw` is kept in storage as the result; None: there was no content.

    `snapshot` is None where the provider answered that there is nothing to tell yet.
    """

    snapshot: Snapshot | None
    word: str | None = None
    raw: bytes | None = field(default=None, repr=False)
    media_type: str = "application/json"


@dataclass(frozen=True)
class ArtifactStream:
    """An open download. Iterating raises `ArtifactSpoiled` at the end if the bytes are not the promised ones."""

    chunks: AsyncIterator[bytes]
    media_type: str | None = None


@dataclass(frozen=True)
class Coordinate:
    """Something else than the reference that the provider must be told. `pattern` fits the whole value."""

    name: str
    pattern: str
    about: str
    is_required: bool = True


@dataclass(frozen=True)
class Found:
    """A verification that the provider lists, whether or not anybody told us of it."""

    reference: str
    created_at: Instant


@dataclass(frozen=True)
class DelegatedMessage:
    """A message that the provider asks us to send. `address` is None where it stands in a field that we do not know."""

    kind: MessageKind
    reference: str
    address: str | None = field(repr=False)
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)

    @property
    def content(self) -> str:
        """The text as it is sent. A link comes beside the text, not in it."""
        if self.link is None or self.link in self.text:
            return self.text
        return f"{self.text.rstrip()}\n{self.link}"


class Messenger(Protocol):
    """The part of a provider that understands by which callbacks it asks us to send messages."""

    def read_message(self, body: bytes) -> DelegatedMessage | None:
        """Say what a callback's kept body asks us to send; None: it asks for no message. Pure, and never raises."""
        ...


class Finder(Protocol):
    """Finds references where the provider does not tell them to the backend, or nobody told them to us; only reads."""

    by: tuple[str, ...]
    """Names of the coordinates that are enough to find one."""

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[Found]:
        """Return what the coordinates lead to, the newest first; nothing while there is none yet. Raises as `read`."""
        ...

    def created(self, *, since: Instant, until: Instant) -> AsyncIterator[Found]:
        """List all that was created from `since` on and before `until`. Raises as `read`."""
        ...


class Reader(Protocol):
    """The half of a provider's client that only reads; polls and downloads can hold nothing else."""

    async def read(self, question: Question) -> Reply:
        """Ask how a verification stands.

        Raises:
            ProviderUnavailable: no usable answer; `retry_after` if the provider named a time.
            ProviderRefusesUs: our credentials or rights are at fault, after one fresh login.
            ReplyUnproven: the answer lacks the signature that answers of this account have.
            ReferenceUnknown: the provider knows no such verification; `gone` if it says it is deleted.

        """
        ...

    def open_artifact(
        self, question: Question, artifact: Artifact, result: bytes | None
    ) -> AbstractAsyncContextManager[ArtifactStream]:
        """Open one file for streaming. `result` is the stored result that listed it, with its links and hashes.

        Raises:
            ArtifactNotReady, ArtifactSpoiled, ArtifactLost, ProviderUnavailable, ProviderRefusesUs.

        """
        ...

    async def check_login(self) -> None:
        """Log in without any other effect. Raises as `read` does."""
        ...


@runtime_checkable
class DetailReader(Protocol):
    """A reader whose provider tells in callbacks alone what stands behind a verdict."""

    async def read_with(self, question: Question, callbacks: Sequence[bytes]) -> Reply:
        """Ask as `read` does; `callbacks` are the kept bodies of the newest callbacks, the newest first."""
        ...


class Replayer(Protocol):
    """The half of a provider's client that acts: it has a verdict's callback sent once more."""

    async def replay(self, question: Question) -> None:
        """Ask for the callback again. Raises as `Reader.read` does."""
        ...


@runtime_checkable
class Echoing(Protocol):
    """A provider whose results give back what the backend has handed to it for a verification."""

    def echoed(self, result: bytes) -> Mapping[str, JsonValue]:
        """Return what a stored result gives back, by the backend's own names. Pure, and never raises."""
        ...


class Provider(Protocol):
    """One account at one provider."""

    account: Name
    provider: ProviderName
    environment: str
    reference_is_capability: bool
    contracts: Mapping[Name, SenderContract]
    """By sender, unscaled; at least one."""
    answering: SenderContract
    """The contract by which a callback is answered when its sender is not known."""
    kept_headers: frozenset[str]
    """Names of headers, in lower case, that may be stored with a receipt."""
    reader: Reader
    # What only some providers can do. One that derives from this class names what it can.
    coordinates: Sequence[Coordinate] = ()
    """Empty: the reference is all that it must be told."""
    finder: Finder | None = None
    """None: nothing but the reference leads to a verification, and nothing lists any."""
    messenger: Messenger | None = None
    """None: this provider never asks us to send messages."""
    replayer: Replayer | None = None
    """None: this provider sends nothing again when asked."""

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Decide how strongly a callback is proven. Raises `CallbackRefused`, in constant time for secrets."""
        ...

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Say what a callback says. Never raises for content: what is not understood is `Unreadable`."""
        ...

    def set_up_advice(self, callback_url: str) -> Sequence[str]:
        """Say, line by line, what to configure at the provider. Secrets are named by their setting, not shown."""
        ...


@dataclass(frozen=True)
class ProviderEntry:
    """How the registry knows a provider: its settings, its senders, and how one account of it is opened."""

    name: ProviderName
    title: str
    settings: type["AccountSettings"]
    contracts: Mapping[Name, SenderContract]
    open: "OpenProvider"


class OpenProvider(Protocol):
    """Opens one account. The HTTP client is shared and handed in; its owner closes it."""

    def __call__(self, account: str, settings: Any, *, http: httpx.AsyncClient, digester: Digester) -> Provider:
        """Return the account's provider."""
        ...


def _as_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address that begins with https:// or http://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no credentials, no query and no fragment")
    return url.rstrip("/")


class AccountSettings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """The settings that accounts of all providers share."""

    provider: str
    environment: str = "sandbox"
    base_url: Annotated[str, AfterValidator(_as_address)]
    addresses: ClassVar[Mapping[str, str]] = {}
    """By environment, what `base_url` is if it is not given; `sandbox` stands for every environment without one."""

    @model_validator(mode="before")
    @classmethod
    def _address_of_the_environment(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("base_url") or not cls.addresses:
            return given
        address = cls.addresses.get(str(given.get("environment")), cls.addresses["sandbox"])
        return {**given, "base_url": address}

    @model_validator(mode="after")
    def _production_is_encrypted(self) -> Self:
        if self.environment == "production" and not self.base_url.startswith("https://"):
            raise ValueError("base_url of a production account must begin with https://")
        return self
