"""One Smile ID account: the verbs that every provider has, for each generation that the account takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from domain.digest import Digester
from domain.errors import CallbackRefused
from domain.sender import SenderContract
from domain.terms import Name, ProviderName
from providers.contract import (
    Callback,
    CallbackRequest,
    Coordinate,
    Finder,
    GenuineRequest,
    Messenger,
    Provider,
    ProviderEntry,
    Reader,
    Replayer,
)
from providers.parsing import NotReadable, as_object, parse_json
from providers.smile_id.links import Links
from providers.smile_id.reader import SmileV1Reader
from providers.smile_id.senders import CONTRACTS
from providers.smile_id.settings import KEPT_HEADERS, Generation, SmileIdSettings
from providers.smile_id.signature import Signatures
from providers.smile_id.wire import JOB_TYPE_PATTERN, USER_ID_PATTERN, prove_v1, read_v1

# A name that is live is part of workflow ids and storage names: renaming it is a migration.
NAME: Final = "smile_id"

_OF_V1: Final = frozenset({"ResultCode", "PartnerParams"})
_OF_V3: Final = frozenset({"status", "product"})
_SIGNED_V3: Final = "response-signature"


class SmileId:
    """One account at Smile ID."""

    provider: ProviderName = NAME
    reference_is_capability = False
    kept_headers = KEPT_HEADERS
    finder: Finder | None = None
    messenger: Messenger | None = None

    def __init__(
        self, account: Name, settings: SmileIdSettings, *, reader: Reader, replayer: Replayer | None = None
    ) -> None:
        """Take the account's name, its settings, what reads it and what asks it to call back once more."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self.replayer = replayer
        self.contracts: Mapping[Name, SenderContract] = {name: CONTRACTS[name] for name in settings.generations}
        self.answering = self.contracts[settings.generations[0]]
        self.coordinates = _coordinates(settings)
        self._settings = settings
        self._signatures = Signatures(settings.partner_id, settings.api_key)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Say how strongly a callback is proven, by the rules of its generation. Raises `CallbackRefused`."""
        if self._generation_of(request) not in self._settings.generations:
            raise CallbackRefused("generation_not_taken")
        return prove_v1(self._signatures, request)

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Say what a callback says: always one thing."""
        return (read_v1(request.kept_body),)

    def set_up_advice(self, callback_url: str) -> Sequence[str]:
        """Show what to configure for each generation; nothing of it is a secret."""
        return (
            f"In the Smile ID portal, under Developer Tools, set the default callback of the {self.environment}",
            f"environment, and give every job the same address: {callback_url}",
            "First generation: `callback_url` over REST, `optional_callback` in the libraries, `setCallbackUrl` in the",
            "mobile kits. The Python library ignores `optional_callback`: hand the address to its constructor instead.",
        )

    def _generation_of(self, request: CallbackRequest) -> Generation:
        """Say whose callback it is. What is neither's is taken for the elder's, whose proof is in the body."""
        try:
            names = as_object(parse_json(request.body)).keys()
        except NotReadable:
            names = {}.keys()
        if names & _OF_V1:
            return "v1"
        return "v3" if names >= _OF_V3 or _SIGNED_V3 in request.headers else "v1"


def _coordinates(settings: SmileIdSettings) -> Sequence[Coordinate]:
    # Jobs of the third generation are found by their id alone, and nothing tells in advance whose job it will be.
    is_required = settings.generations == ("v1",)
    about_user = "the user_id that the job was started with: job_status asks for it"
    about_type = "the job_type that the job was started with, 1 to 12: result codes mean nothing without it"
    return (
        Coordinate("user_id", USER_ID_PATTERN, about_user, is_required=is_required),
        Coordinate("job_type", JOB_TYPE_PATTERN, about_type, is_required=is_required),
    )


def open_account(
    account: str,
    settings: Any,
    *,
    http: httpx.AsyncClient,
    digester: Digester,  # noqa: ARG001 -- other providers need it; Smile ID gives nothing that must be digested here
) -> Provider:
    """Open one account. Raises `TypeError` for settings of another provider."""
    if not isinstance(settings, SmileIdSettings):
        raise TypeError(f"a Smile ID account needs SmileIdSettings, not {type(settings).__name__}")
    return SmileId(account, settings, reader=SmileV1Reader(settings, http, Links(settings, http)))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Smile ID", settings=SmileIdSettings, contracts=CONTRACTS, open=open_account
)
