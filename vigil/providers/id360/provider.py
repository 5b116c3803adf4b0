"""One ID360 account."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from vigil.domain.claims import Claims
from vigil.domain.errors import CallbackRefused
from vigil.domain.secrets import matches
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name, Proof, ProviderName
from vigil.providers.claims import parse_stored
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest, Provider, ProviderEntry, Reader
from vigil.providers.id360.claims import CLAIMS
from vigil.providers.id360.reader import Id360Reader
from vigil.providers.id360.senders import CONTRACT, SENDER
from vigil.providers.id360.settings import Id360Settings
from vigil.providers.id360.wire import enrollment_id, read_callback, read_reason

# The name is part of workflow ids and storage paths: once live, renaming it is a migration.
NAME: Final = "id360"
CONTRACTS: Final[Mapping[Name, SenderContract]] = {SENDER: CONTRACT}
SUBSCRIPTION: Final = ("E", "F", "C", "I", "UP", "SP")
"""`E`: OK or KO, `F`: failed, `C`: canceled, `I`: every step, `UP` and `SP`: the phases at an external means.

`E` alone would miss the other two ends.
"""


class Id360(Provider):
    """One account at ID360."""

    provider: ProviderName = NAME
    reference_is_capability = False
    reference_form = "it is the number in `id` of the user file, such as 700102"
    contracts = CONTRACTS
    default_contract = CONTRACT

    def __init__(self, account: Name, settings: Id360Settings, reader: Reader) -> None:
        """Take the account's name, its settings and its reader."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self._headers = settings.callback_headers
        self.proof_headers = frozenset(name.lower() for name in settings.callback_headers)

    def normalise_reference(self, raw: object) -> str | None:
        """Return the number of a user file, without leading zeros."""
        return enrollment_id(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Accept a callback that carries every header that we configured, with a current secret."""
        presented = {name: request.headers.get(name.lower()) for name in self._headers}
        # All headers are compared, so that the time does not tell which one is wrong.
        found = [matches(presented[name], secrets) for name, secrets in self._headers.items()]
        if all(found):
            return GenuineRequest(request=request, proof=Proof.SECRET, kept_body=request.body)
        raise CallbackRefused("missing_header" if None in presented.values() else "wrong_header")

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the one event that a callback reports."""
        return (read_callback(request.request.body),)

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored result."""
        return CLAIMS.read(parse_stored(result))

    def reason_text(self, content: bytes) -> str | None:
        """Return the text by which a report or a callback explains a KO."""
        return read_reason(content)

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return the part of the request that creates a user file."""
        headers = [
            {"name": name, "value": f"<the secret of accounts.{self.account}.callback_headers.{name}>"}
            for name in self._headers
        ]
        endpoint = {"url": callback_url, "on": list(SUBSCRIPTION), "headers": headers}
        return (
            "Add this to the body of POST /api/1.0.0/process/{id}/enrollment:",
            *json.dumps({"callback_endpoints": [endpoint]}, indent=2).splitlines(),
        )


def open_account(account: str, settings: Id360Settings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    return Id360(account, settings, Id360Reader(settings, http))


ENTRY: Final = ProviderEntry(name=NAME, title="ID360", settings=Id360Settings, contracts=CONTRACTS, open=open_account)
