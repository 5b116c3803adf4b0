"""One Verdant account."""

from collections.abc import Sequence
from typing import Final

import httpx

from vigil.domain.claims import Claims
from vigil.domain.terms import Name, Proof, ProviderName
from vigil.providers.claims import parse_stored
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest, Provider, ProviderEntry, Reader
from vigil.providers.verdant.claims import CLAIMS
from vigil.providers.verdant.reader import VerdantReader
from vigil.providers.verdant.senders import CONTRACT, CONTRACTS
from vigil.providers.verdant.settings import VerdantSettings
from vigil.providers.verdant.wire import TOKEN, inquiry_id, read_callback, without_token

# The name is part of workflow ids and storage paths: once live, renaming it is a migration.
NAME: Final = "verdant"


class Verdant(Provider):
    """One account at Verdant."""

    provider: ProviderName = NAME
    reference_is_capability = False
    contracts = CONTRACTS
    default_contract = CONTRACT

    def __init__(self, account: Name, settings: VerdantSettings, reader: Reader) -> None:
        """Take the account's name, its settings and its reader."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self._tokens = settings.callback_token

    def normalise_reference(self, raw: object) -> str | None:
        """Return the id of an inquiry."""
        return inquiry_id(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Accept a callback whose body holds a current token, and remove the token. Raises `CallbackRefused`."""
        kept = without_token(request.body, self._tokens)
        return GenuineRequest(request=request, proof=Proof.SECRET, kept_body=kept)

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the one event that a callback reports."""
        return (read_callback(request.kept_body),)

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored inquiry."""
        return CLAIMS.read(parse_stored(result))

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return what to enter at Verdant."""
        return (
            f"Under Notifications, enter the address {callback_url}",
            f"and as `{TOKEN}` the secret of accounts.{self.account}.callback_token.",
        )


def open_account(account: str, settings: VerdantSettings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    return Verdant(account, settings, VerdantReader(settings, http))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Verdant", settings=VerdantSettings, contracts=CONTRACTS, open=open_account
)
