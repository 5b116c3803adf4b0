"""One Identomat account: the verbs that every provider has."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from vigil.domain.errors import CallbackRefused
from vigil.domain.secrets import matches
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name, Proof, ProviderName
from vigil.providers.contract import (
    Callback,
    CallbackRequest,
    GenuineRequest,
    MessageReader,
    Provider,
    ProviderEntry,
    Reader,
)
from vigil.providers.identomat.messages import IdentomatMessenger
from vigil.providers.identomat.reader import IdentomatReader
from vigil.providers.identomat.senders import CONTRACT, SENDER
from vigil.providers.identomat.settings import IdentomatSettings
from vigil.providers.identomat.wire import KEY_FIELD, read_callback, without_key
from vigil.providers.parsing import NotReadable, as_object, parse_json

# A name that is live is part of workflow ids and storage names: renaming it is a migration.
NAME: Final = "identomat"
CONTRACTS: Final[Mapping[Name, SenderContract]] = {SENDER: CONTRACT}


class Identomat(Provider):
    """One account at Identomat."""

    provider: ProviderName = NAME
    reference_is_capability = True
    """The session id opens the applicant's session."""
    contracts = CONTRACTS
    default_contract = CONTRACT

    def __init__(self, account: Name, settings: IdentomatSettings, reader: Reader) -> None:
        """Take the account's name, its settings and what reads it."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self._messenger = IdentomatMessenger(settings.email_address_field)
        self.message_reader: MessageReader | None = self._messenger
        self._callback_api_key = settings.callback_api_key

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Accept a callback whose body holds a live secret. Raises `CallbackRefused`; `unprovable` if it is no JSON."""
        try:
            content = as_object(parse_json(request.body))
        except NotReadable:
            raise CallbackRefused("unprovable") from None
        presented = content.get(KEY_FIELD)
        if matches(presented if isinstance(presented, str) else None, self._callback_api_key):
            return GenuineRequest(request=request, proof=Proof.SECRET, kept_body=without_key(content))
        raise CallbackRefused("wrong_key" if KEY_FIELD in content else "missing_key")

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Say what a callback says: one thing, or nothing where it asks us to send a message."""
        if self._messenger.read_message(request.kept_body) is not None:
            return ()
        return (read_callback(request.kept_body),)

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Show what to enter in the company settings, with the secret named by its setting."""
        return (
            "Enter this in Identomat's company settings; one address serves all events:",
            f"Callback URL: {callback_url}",
            f"Callback API key: <the secret of accounts.{self.account}.callback_api_key>",
        )


def open_account(account: str, settings: IdentomatSettings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    return Identomat(account, settings, IdentomatReader(settings, http))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Identomat", settings=IdentomatSettings, contracts=CONTRACTS, open=open_account
)
