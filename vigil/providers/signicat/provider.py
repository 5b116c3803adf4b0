"""One Signicat Assure account."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

import httpx
from pydantic import SecretStr

from vigil.domain.claims import Claims
from vigil.domain.errors import CallbackRefused
from vigil.domain.secrets import matches
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name, Proof, ProviderName
from vigil.providers.claims import parse_stored
from vigil.providers.contract import (
    Callback,
    CallbackRequest,
    Coordinate,
    GenuineRequest,
    Provider,
    ProviderEntry,
    Reader,
    VerificationFinder,
)
from vigil.providers.parsing import received_bytes
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.claims import CLAIMS
from vigil.providers.signicat.finder import COORDINATES, SignicatFinder
from vigil.providers.signicat.reader import SignicatReader
from vigil.providers.signicat.senders import CONTRACTS, EVENTS, OTHER
from vigil.providers.signicat.settings import SignicatSettings
from vigil.providers.signicat.wire import PROCESS_COMPLETE, generation_of, normalise_reference, read_event, read_legacy

# The name is part of workflow ids and storage paths: once live, renaming it is a migration.
NAME: Final = "signicat"
_AUTHORIZATION: Final = "authorization"
_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")


class SignicatAssure(Provider):
    """One account at Signicat Assure."""

    provider: ProviderName = NAME
    reference_form = "it is `dossierId:processId`"
    reference_is_capability = False
    coordinates: Sequence[Coordinate] = COORDINATES

    def __init__(
        self, account: Name, settings: SignicatSettings, *, reader: Reader, finder: VerificationFinder
    ) -> None:
        """Take the account's name, its settings, its reader and its finder."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self.finder: VerificationFinder | None = finder
        self.contracts = _contracts(settings)
        # A legacy callback does not name its sender. The contract of senders that never repeat is safe for all.
        self.default_contract = self.contracts.get(OTHER, CONTRACTS[EVENTS])
        self._settings = settings
        legacy = _AUTHORIZATION if settings.authorization_header is not None else None
        named = (legacy, settings.events_secret_header)
        self.proof_headers = frozenset(name.lower() for name in named if name is not None)

    def normalise_reference(self, raw: object) -> str | None:
        """Return the ids of dossier and process, UUIDs in small letters."""
        return normalise_reference(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Prove a callback by the rules of its generation. Raises `CallbackRefused`."""
        generation = generation_of(request.body, self._settings.generations)
        if generation not in self._settings.generations:
            raise CallbackRefused("generation_not_taken")
        proof = self._proof_of_event(request) if generation == "events" else self._proof_of_legacy(request)
        return GenuineRequest(request=request, proof=proof, kept_body=request.body)

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the one event that a callback reports."""
        body = request.request.body
        is_event = generation_of(body, self._settings.generations) == "events"
        return (read_event(body) if is_event else read_legacy(body),)

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored result."""
        return CLAIMS.read(parse_stored(result))

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return what to configure for each generation."""
        lines: list[str] = []
        if "legacy" in self._settings.generations:
            lines += self._instructions_for_legacy(callback_url)
        if "events" in self._settings.generations:
            lines += self._instructions_for_events(callback_url)
        return lines

    def _proof_of_legacy(self, request: CallbackRequest) -> Proof:
        presented = request.headers.get(_AUTHORIZATION)
        secrets = self._settings.authorization_header
        is_hint = self._settings.unauthenticated == "hint" and (secrets is None or presented is None)
        if secrets is not None and matches(presented, secrets):
            return Proof.SECRET
        if is_hint:
            return Proof.NONE
        raise CallbackRefused("missing_header" if presented is None else "wrong_header")

    def _proof_of_event(self, request: CallbackRequest) -> Proof:
        secrets, header = self._settings.events_secret, self._settings.events_secret_header
        if secrets is None or header is None:
            return Proof.NONE
        presented = request.headers.get(header.lower())
        is_secret = matches(presented, secrets)
        is_signature = matches(_signature_in(presented or ""), _signatures(received_bytes(request.body), secrets))
        if is_secret:
            return Proof.SECRET
        if is_signature:
            return Proof.SIGNED_BODY
        raise CallbackRefused("missing_header" if presented is None else "wrong_header")

    def _instructions_for_legacy(self, callback_url: str) -> Sequence[str]:
        fields = {"notificationUrl": callback_url}
        if self._settings.authorization_header is not None:
            fields["authorizationHeader"] = f"<the secret of accounts.{self.account}.authorization_header>"
        return (
            "Add this to the body of POST /dossiers/{dossierId}/processes and of POST /dossiers/{dossierId}/capture:",
            *json.dumps(fields, indent=2).splitlines(),
            "Ask Signicat's support to allow this address. Until then only polls find results.",
        )

    def _instructions_for_events(self, callback_url: str) -> Sequence[str]:
        first = f"In the Signicat Dashboard, subscribe a webhook to Assure's event {PROCESS_COMPLETE}: {callback_url}"
        header = self._settings.events_secret_header
        if header is None:
            return (
                first,
                "Without a secret its events prove nothing: they cause reads, but register nothing.",
                "Give the subscription a secret, see in a test event which header carries it, and set",
                f"events_secret and events_secret_header of accounts.{self.account}.",
            )
        return (first, f"Give it the secret of accounts.{self.account}.events_secret; {header} must carry it.")


def _contracts(settings: SignicatSettings) -> Mapping[Name, SenderContract]:
    """Return the contracts of the senders that can call this account."""
    return {
        name: contract
        for name, contract in CONTRACTS.items()
        if ("events" if name == EVENTS else "legacy") in settings.generations
    }


def _signature_in(presented: str) -> str:
    """Return a signature without the name of its algorithm; hex in small letters, since capitals mean the same."""
    name, _, rest = presented.partition("=")
    text = rest if name.lower() == "sha256" else presented
    return text.lower() if _HEX.fullmatch(text) else text


def _signatures(body: bytes, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Return the possible signatures of the body. The encoding is unknown, so hex and base64 are both accepted."""
    digests = [hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).digest() for secret in secrets]
    return tuple(
        SecretStr(text) for digest in digests for text in (digest.hex(), base64.b64encode(digest).decode("ascii"))
    )


def open_account(account: str, settings: SignicatSettings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    api = AssureApi(settings, http)
    return SignicatAssure(account, settings, reader=SignicatReader(settings, api), finder=SignicatFinder(api))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Signicat Assure", settings=SignicatSettings, contracts=CONTRACTS, open=open_account
)
