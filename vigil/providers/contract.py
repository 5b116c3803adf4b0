"""The interface of a provider: prove a callback, read it, read the verification, open its files."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar, runtime_checkable

import httpx
from pydantic import JsonValue

from vigil.domain.callback_event import Observation
from vigil.domain.claims import Claims
from vigil.domain.message import MessageKind
from vigil.domain.sender_contract import SenderContract
from vigil.domain.snapshot import Artifact, ReadRequest, Snapshot
from vigil.domain.terms import Instant, Name, Proof, ProviderName, SessionKind
from vigil.providers.account_settings import KEPT_HEADERS, AccountSettings
from vigil.providers.parsing import as_text


@dataclass(frozen=True)
class CallbackRequest:
    """A callback as it was received; nothing about it is proven yet. Header names are lower case."""

    account: str
    correlation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: Instant


@dataclass(frozen=True)
class Signature:
    """A signature that covers a time and no body. It may come with one body and one verification only."""

    text: str = field(repr=False)
    """The signed time and the signature, as they were received."""
    signed_at: Instant
    names: str = ""
    """What names the verification outside the body, such as a header."""


@dataclass(frozen=True)
class GenuineRequest:
    """A callback that `prove` accepted, with the strength of its proof. Only this type can be read."""

    request: CallbackRequest
    proof: Proof
    kept_body: bytes = field(repr=False)
    """The body as it may be stored: without the secrets that it carried."""
    signature: Signature | None = None
    """Set for the proof `unbound`."""


@dataclass(frozen=True)
class Callback:
    """One event that a callback reports. `reference` is None if the body names no verification."""

    reference: str | None
    observation: Observation
    other_reference: str | None = None
    """Names the verification if neither `reference` nor the correlation in the URL does."""
    intermediate: bool = False
    identity: str | None = None
    """A text that is equal for two deliveries of one event. It is digested before it leaves the process."""
    sender: Name | None = None
    coordinates: Mapping[str, str] = field(default_factory=dict)
    session_kind: SessionKind | None = None
    details: str | None = None
    """A text that is equal for two callbacks with the same reasons, checks and files. It is digested too.

    Set by a provider that sends these in callbacks only.
    """
    topic: str | None = None
    """What the details are about if they are not those of the verification itself, such as later news."""
    unknown_fields: tuple[str, ...] = ()
    """Names in the body that the provider does not document, each once. Their values are not read."""


def event_identity(*parts: str | int | None) -> str:
    """Return the `Callback.identity` of the event that these parts identify."""
    return json.dumps(parts, separators=(",", ":"))


@dataclass(frozen=True)
class ProviderResponse:
    """A provider's answer to a read. `raw` is stored as the result; None means that the answer had no content.

    `snapshot` is None if the provider answered that there is no result yet.
    """

    snapshot: Snapshot | None
    word: str | None = None
    raw: bytes | None = field(default=None, repr=False)
    media_type: str = "application/json"


NOT_RESUMABLE: Final = "not_resumable"
"""The code of a `ProviderUnavailable`: the server does not prove that it would continue the same file."""


@dataclass(frozen=True)
class FileIdentity:
    """What the server said about a file at the first byte: enough to recognise the same file again."""

    size: int
    etag: str = field(repr=False)


@dataclass(frozen=True)
class FilePosition:
    """How many bytes of a file were received."""

    file: FileIdentity
    received: int


@dataclass(frozen=True)
class ArtifactStream:
    """An open download. Iteration raises `ArtifactSpoiled` at the end if the bytes do not match their digest."""

    chunks: AsyncIterator[bytes]
    media_type: str | None = None
    file: FileIdentity | None = None
    """By which `ResumingReader.resume_artifact` continues the file later; None: it cannot be continued."""


@dataclass(frozen=True)
class Coordinate:
    """A value that a read needs besides the reference. `pattern` must match the whole normalised value."""

    name: str
    pattern: str
    description: str
    is_required: bool = True
    normalise: Callable[[str], str] = str
    """Returns the one spelling of a text that has no blanks around it."""

    def read(self, raw: object) -> str | None:
        """Return the value in its one spelling; None if it does not fit."""
        text = as_text(raw)
        value = self.normalise(text) if text is not None else ""
        return value if re.fullmatch(self.pattern, value) else None


@dataclass(frozen=True)
class FoundVerification:
    """A verification that exists at the provider, registered with us or not."""

    reference: str
    created_at: Instant


@dataclass(frozen=True)
class DelegatedMessage:
    """A message that the provider asks us to send. `address` is None if no field that we know holds it."""

    kind: MessageKind
    reference: str
    address: str | None = field(repr=False)
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)

    @property
    def content(self) -> str:
        """The text to send. A link that the text does not contain is added on a line of its own."""
        if self.link is None or self.link in self.text:
            return self.text
        return f"{self.text.rstrip()}\n{self.link}"


class MessageReader(Protocol):
    """Recognises the callbacks that ask us to send a message."""

    def read_message(self, body: bytes) -> DelegatedMessage | None:
        """Return the message that a callback's stored body asks for; None if it asks for none. Pure; never raises."""
        ...


class VerificationFinder(Protocol):
    """Finds the references of verifications that were not registered, or not by their reference. Only reads."""

    by: tuple[str, ...]
    """Names of the coordinates that `find` needs."""

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        """Return the verifications with these coordinates, newest first; empty if there is none yet.

        Raises the same errors as `Reader.read`.
        """
        ...

    def list_created(self, *, since: Instant, until: Instant) -> AsyncIterator[FoundVerification]:
        """List the verifications created at or after `since` and before `until`. Raises the same as `Reader.read`."""
        ...


class Reader(Protocol):
    """The part of a provider's client that only reads. Polls and downloads hold nothing else."""

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the state of a verification.

        Raises:
            ProviderUnavailable: there was no usable answer; `retry_after` is set if the provider named a time.
            ProviderRefusesUs: our credentials or rights were refused, also after one fresh login.
            ReplyUnproven: the answer lacks the signature that this account's answers carry.
            ReferenceUnknown: the provider knows no such verification; `gone` if it says that it was deleted.

        """
        ...

    def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AbstractAsyncContextManager[ArtifactStream]:
        """Open one file for streaming. `result` is the stored result that listed it, with its links and hashes.

        Raises:
            ArtifactNotReady: the file comes later.
            ArtifactSpoiled: the bytes are not those of the file.
            ArtifactLost: the file will not come; the reason is in `loss`.
            ProviderUnavailable, ProviderRefusesUs: as `read`.

        """
        ...

    async def check_login(self) -> None:
        """Check the credentials without any other effect. Raises the same errors as `read`."""
        ...


@runtime_checkable
class ResumingReader(Protocol):
    """A reader that continues the download of a file where another process stopped."""

    def resume_artifact(
        self, question: ReadRequest, artifact: Artifact, at: FilePosition
    ) -> AbstractAsyncContextManager[ArtifactStream]:
        """Open the rest of a file.

        Raises:
            ProviderUnavailable: `not_resumable` if the server does not prove that it continues the same file.
            ProviderRefusesUs: as `Reader.read`.

        """
        ...


@runtime_checkable
class DetailReader(Protocol):
    """A reader whose provider sends the details of a verdict in callbacks only."""

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        """Read as `Reader.read` does. `callbacks` are the stored bodies of callbacks whose details are confirmed."""
        ...


class CallbackReplayer(Protocol):
    """Asks the provider to send the callback of a verdict again. The only part of a client that is not read-only."""

    async def replay(self, question: ReadRequest) -> None:
        """Ask for the callback again. Raises the same errors as `Reader.read`."""
        ...


@runtime_checkable
class PartnerMetadataSource(Protocol):
    """A provider whose results return the data that the backend attached to a verification."""

    def partner_metadata(self, result: bytes) -> Mapping[str, JsonValue]:
        """Return that data from a stored result, by the backend's own names. Pure; never raises."""
        ...


@runtime_checkable
class ClaimReader(Protocol):
    """A provider whose results have data of the person or of the company."""

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored result. Pure; never raises: a result that cannot be read has none."""
        ...


@runtime_checkable
class ReasonTextSource(Protocol):
    """A provider that explains its verdict in a text. The proof of all its callbacks covers their bodies."""

    def reason_text(self, content: bytes) -> str | None:
        """Return that text from a stored result, or from the stored body of a callback. Pure; never raises."""
        ...


class Provider(Protocol):
    """One account at one provider."""

    account: Name
    provider: ProviderName
    environment: str
    reference_is_capability: bool
    """Whether the reference gives access to the applicant's session, so that it must not be shown."""
    contracts: Mapping[Name, SenderContract]
    """By sender, with unscaled times; at least one."""
    default_contract: SenderContract
    """The contract that decides the answer to a callback whose sender is not known."""
    reference_form: str = "it is a text of 1 to 200 characters"
    """The form of a reference in a clause, for whoever registers another text. `normalise_reference` decides."""
    kept_headers: frozenset[str] = KEPT_HEADERS
    """Names, in lower case, of the headers that may be stored with a receipt."""
    proof_headers: frozenset[str] = frozenset()
    """Names, in lower case, of the headers in which callbacks carry their proof."""
    reader: Reader
    # The features that only some providers have. A class that derives from this one overrides those that it has.
    coordinates: Sequence[Coordinate] = ()
    """Empty: the reference is enough to read a verification."""
    finder: VerificationFinder | None = None
    """None: verifications cannot be found without their reference, nor listed."""
    message_reader: MessageReader | None = None
    """None: this provider never asks us to send messages."""
    replayer: CallbackReplayer | None = None
    """None: this provider cannot send a callback again."""

    def normalise_reference(self, raw: object) -> str | None:
        """Return a reference in the one spelling of this provider; None if no verification here can have it.

        `raw` is what a backend, a callback or a list gave: a text or a number. Pure, and idempotent.
        """
        return as_text(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Return the callback with the strength of its proof. Compares secrets in constant time.

        Raises:
            CallbackRefused: the proof is missing, wrong or cannot be checked; the reason is in `reason`.

        """
        ...

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the events that a callback reports. Never raises for content: an unknown body is `Unreadable`."""
        ...

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return, line by line, how to configure the provider. A secret is named by its setting, never shown."""
        ...


S = TypeVar("S", bound=AccountSettings)


@dataclass(frozen=True)
class ProviderEntry(Generic[S]):
    """A provider as the registry lists it: its settings, its senders, and how to open one account."""

    name: ProviderName
    title: str
    settings: type[S]
    contracts: Mapping[Name, SenderContract]
    open: Callable[[str, S, httpx.AsyncClient], Provider]
    """Opens the account of this name. The HTTP client is shared; its owner closes it."""

    def open_account(self, account: str, settings: AccountSettings, http: httpx.AsyncClient) -> Provider:
        """Return the account's provider. Raises `TypeError` for the settings of another provider."""
        if not isinstance(settings, self.settings):
            raise TypeError(f"an account at {self.title} needs {self.settings.__name__}, not {type(settings).__name__}")
        return self.open(account, settings, http)
