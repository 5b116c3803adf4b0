"""One Smile ID account, with the generations that it uses."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx
from pydantic import JsonValue

from vigil.domain.claims import Claims
from vigil.domain.errors import CallbackRefused
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name, ProviderName
from vigil.providers.account_settings import KEPT_HEADERS
from vigil.providers.claims import parse_stored
from vigil.providers.contract import (
    Callback,
    CallbackReplayer,
    CallbackRequest,
    Coordinate,
    GenuineRequest,
    Provider,
    ProviderEntry,
    Reader,
)
from vigil.providers.smile_id.claims import read_claims
from vigil.providers.smile_id.generations import BothReader, generation_of
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.partner_metadata import read_partner_metadata
from vigil.providers.smile_id.senders import CONTRACTS, V1, V3
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v1.reader import SmileV1Reader
from vigil.providers.smile_id.v1.wire import JOB_TYPE_PATTERN, USER_ID_PATTERN, prove_v1, read_job_id, read_v1
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader
from vigil.providers.smile_id.v3.replayer import SmileV3Replayer
from vigil.providers.smile_id.v3.wire import COORDINATES as V3_COORDINATES
from vigil.providers.smile_id.v3.wire import SIGNATURE, TIMESTAMP, job_id, prove_v3, read_v3

# The name is part of workflow ids and storage paths: once live, renaming it is a migration.
NAME: Final = "smile_id"


class SmileId(Provider):
    """One account at Smile ID."""

    provider: ProviderName = NAME
    reference_is_capability = False
    reference_form = "it is the job id, of up to 200 characters that can be printed"
    kept_headers = KEPT_HEADERS | {"job-id", "api-version"}

    def __init__(
        self, account: Name, settings: SmileIdSettings, *, reader: Reader, replayer: CallbackReplayer | None = None
    ) -> None:
        """Take the account's name, its settings, its reader, and its replayer if it uses the third generation."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self.replayer = replayer
        self.contracts: Mapping[Name, SenderContract] = {name: CONTRACTS[name] for name in settings.generations}
        self.default_contract = self.contracts[settings.generations[0]]
        self.coordinates = _coordinates(settings)
        self._settings = settings
        self.proof_headers = frozenset({SIGNATURE, TIMESTAMP} if V3 in settings.generations else ())
        self._signatures = Signatures(settings.partner_id, settings.api_key)

    def normalise_reference(self, raw: object) -> str | None:
        """Return the id of a job: of the third generation in small letters, else the partner's own text."""
        return job_id(raw) or read_job_id(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Prove a callback by the rules of its generation. Raises `CallbackRefused`."""
        generation = generation_of(request)
        if generation not in self._settings.generations:
            raise CallbackRefused("generation_not_taken")
        prove = prove_v1 if generation == V1 else prove_v3
        return prove(self._signatures, request)

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the one event that a callback reports."""
        if generation_of(request.request) == V1:
            return (read_v1(request.kept_body),)
        return (read_v3(request.kept_body, request.request.headers),)

    def partner_metadata(self, result: bytes) -> Mapping[str, JsonValue]:
        """Return the data that the partner attached to a job."""
        return read_partner_metadata(result)

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored result."""
        return read_claims(parse_stored(result))

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return what to configure for each generation. It contains no secret."""
        lines = [
            f"In the portal, switch to the {self.environment} environment and set its default callback:",
            f"Callback URL: {callback_url}",
        ]
        if V1 in self._settings.generations:
            lines += _V1_INSTRUCTIONS
        if V3 in self._settings.generations:
            lines += _V3_INSTRUCTIONS
        return lines


_V1_INSTRUCTIONS: Final = (
    "A job's own address overrides it: `callback_url` over REST, `optional_callback` in the libraries.",
    "The Python library ignores `optional_callback`: pass the address to its constructor instead.",
    "Mobile SDKs have their own setter for it. They silently ignore an address without https://.",
)
_V3_INSTRUCTIONS: Final = (
    "Ask Smile ID to allow the host of this address, and of each job's own `callback_url`.",
    "Append a correlation if you have one: it identifies the job even if no header names it.",
)


def _coordinates(settings: SmileIdSettings) -> Sequence[Coordinate]:
    # The generation of a job is not known in advance, so with both generations no coordinate is required.
    is_required = settings.generations == (V1,)
    about_user = "the user_id that the job was started with: job_status requires it"
    about_type = "the job_type that the job was started with, 1 to 12: result codes have no meaning without it"
    of_v1 = (
        Coordinate("user_id", USER_ID_PATTERN, about_user, is_required=is_required),
        Coordinate("job_type", JOB_TYPE_PATTERN, about_type, is_required=is_required),
    )
    return (*(of_v1 if V1 in settings.generations else ()), *(V3_COORDINATES if V3 in settings.generations else ()))


def open_account(account: str, settings: SmileIdSettings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    links, login = Links(settings, http), create_login(settings, http)
    v1 = SmileV1Reader(settings, http, links)
    v3 = SmileV3Reader(settings, http, login, links)
    if V3 not in settings.generations:
        return SmileId(account, settings, reader=v1)
    reader: Reader = v3 if V1 not in settings.generations else BothReader(v1, v3)
    return SmileId(account, settings, reader=reader, replayer=SmileV3Replayer(settings, http, login))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Smile ID", settings=SmileIdSettings, contracts=CONTRACTS, open=open_account
)
