"""One Identomat account."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from vigil.domain.claims import Claims
from vigil.domain.errors import CallbackRefused
from vigil.domain.secrets import matches
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name, Proof, ProviderName
from vigil.providers.claims import parse_stored
from vigil.providers.contract import (
    Callback,
    CallbackRequest,
    GenuineRequest,
    MessageReader,
    Provider,
    ProviderEntry,
    Reader,
)
from vigil.providers.identomat.claims import CLAIMS
from vigil.providers.identomat.messages import IdentomatMessageReader
from vigil.providers.identomat.reader import IdentomatReader
from vigil.providers.identomat.senders import CONTRACT, SENDER
from vigil.providers.identomat.settings import IdentomatSettings
from vigil.providers.identomat.wire import KEY_FIELD, read_callback, session_id, without_key
from vigil.providers.parsing import NotReadable, as_object, parse_json

# The name is part of workflow ids and storage paths: once live, renaming it is a migration.
NAME: Final = "identomat"
CONTRACTS: Final[Mapping[Name, SenderContract]] = {SENDER: CONTRACT}


class Identomat(Provider):
    """One account at Identomat."""

    provider: ProviderName = NAME
    reference_is_capability = True
    reference_form = "it is the session token that `begin` returns, in letters and digits without blanks"
    """The session id gives access to the applicant's session."""
    contracts = CONTRACTS
    default_contract = CONTRACT

    def __init__(self, account: Name, settings: IdentomatSettings, reader: Reader) -> None:
        """Take the account's name, its settings and its reader."""
        self.account = account
        self.environment = settings.environment
        self.reader = reader
        self._messages = IdentomatMessageReader(settings.email_address_field)
        self.message_reader: MessageReader | None = self._messages
        self._callback_api_key = settings.callback_api_key

    def normalise_reference(self, raw: object) -> str | None:
        """Return the id of a session. Its case counts: nothing says that Identomat ignores it."""
        return session_id(raw)

    def prove(self, request: CallbackRequest) -> GenuineRequest:
        """Accept a callback whose body holds a current secret; `unprovable` if the body is not JSON."""
        try:
            content = as_object(parse_json(request.body))
        except NotReadable as error:
            raise CallbackRefused(error.refusal) from None
        presented = content.get(KEY_FIELD)
        if matches(presented if isinstance(presented, str) else None, self._callback_api_key):
            return GenuineRequest(request=request, proof=Proof.SECRET, kept_body=without_key(content))
        raise CallbackRefused("wrong_key" if KEY_FIELD in content else "missing_key")

    def read_callbacks(self, request: GenuineRequest) -> Sequence[Callback]:
        """Return the event that a callback reports; none if it asks us to send a message."""
        if self._messages.read_message(request.kept_body) is not None:
            return ()
        return (read_callback(request.kept_body),)

    def read_claims(self, result: bytes) -> Claims:
        """Return the claims in a stored result."""
        return CLAIMS.read(parse_stored(result))

    def setup_instructions(self, callback_url: str) -> Sequence[str]:
        """Return what to enter in the company settings."""
        return (
            "Enter this in Identomat's company settings. One address receives all events:",
            f"Callback URL: {callback_url}",
            f"Callback API key: <the secret of accounts.{self.account}.callback_api_key>",
        )


def open_account(account: str, settings: IdentomatSettings, http: httpx.AsyncClient) -> Provider:
    """Open one account."""
    return Identomat(account, settings, IdentomatReader(settings, http))


ENTRY: Final = ProviderEntry(
    name=NAME, title="Identomat", settings=IdentomatSettings, contracts=CONTRACTS, open=open_account
)
