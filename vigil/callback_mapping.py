"""Map a proven callback to the events that verifications are signaled of, and to the receipt that is stored."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import ValidationError

from vigil.config.accounts import OpenAccount
from vigil.domain.callback_event import CallbackEvent, Observation, Unreadable
from vigil.domain.digest import Digester
from vigil.domain.message import MessageRequest
from vigil.domain.terms import KeyedDigest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import Callback, GenuineRequest
from vigil.providers.parsing import unread_encoding
from vigil.storage.inbox import AddressedEvent, Receipt
from vigil.tracing import current_traceparent


def build_event(genuine: GenuineRequest, callback: Callback, key: VerificationKey, digester: Digester) -> CallbackEvent:
    """Return the event for the workflow. Content without a bounded, coded form becomes `Unreadable`, never an error."""
    try:
        return _build_event(genuine, callback, key, digester)
    except ValidationError:
        unreadable = Callback(reference=callback.reference, observation=Unreadable(why="wrong_shape"))
        return _build_event(genuine, unreadable, key, digester)


def build_key(account: OpenAccount, callback: Callback) -> VerificationKey | None:
    """Return the key of the verification; None if the callback names none, or one that cannot exist."""
    try:
        return account.key_of(callback.reference or "")
    except ValidationError:
        return None


def build_receipt(
    account: OpenAccount,
    genuine: GenuineRequest,
    events: Sequence[AddressedEvent] = (),
    *,
    message: MessageRequest | None = None,
) -> Receipt:
    """Return our copy of the callback, without the secrets that prove its sender."""
    request = genuine.request
    headers = {name: value for name, value in request.headers.items() if name in account.provider.kept_headers}
    return Receipt(
        received_at=request.received_at,
        account=request.account,
        correlation=request.correlation,
        proof=genuine.proof,
        headers=headers,
        body=genuine.kept_body,
        events=tuple(events),
        message=message,
        encoding=unread_encoding(request.body),
    )


def repeat_period(account: OpenAccount, sender: str | None) -> timedelta:
    """Return how long a sender may repeat an event. For an unknown sender it is the longest period of any sender."""
    if sender is not None and sender in account.contracts:
        return account.contracts[sender].repeats_for
    return max(contract.repeats_for for contract in account.contracts.values())


def needs_receipt(account: OpenAccount, events: Sequence[AddressedEvent]) -> bool:
    """Return whether the body may say more than the events. An unknown sender may be any of the account's senders."""
    contracts = account.contracts
    named = [contracts.get(event.event.sender or "") for event in events]
    possible = contracts.values() if None in named else named
    return any(contract is not None and contract.tracking.details_in_callbacks for contract in possible)


def _build_event(
    genuine: GenuineRequest, callback: Callback, key: VerificationKey, digester: Digester
) -> CallbackEvent:
    return CallbackEvent(
        delivery=digester.digest("delivery", genuine.request.body),
        identity=_digest_identity(callback, key, digester),
        intermediate=callback.intermediate,
        received_at=genuine.request.received_at,
        proof=genuine.proof,
        sender=callback.sender,
        correlation=genuine.request.correlation,
        coordinates=dict(callback.coordinates),
        session_kind=callback.session_kind,
        details=digester.digest("details", callback.details) if callback.details is not None else None,
        topic=callback.topic,
        unknown_fields=callback.unknown_fields,
        observation=_name_encoding(callback.observation, genuine.request.body),
        traceparent=current_traceparent(),
    )


def _name_encoding(observation: Observation, body: bytes) -> Observation:
    """Return an unreadable observation with the encoding that makes it so."""
    encoding = unread_encoding(body)
    return observation.of_encoding(encoding) if isinstance(observation, Unreadable) and encoding else observation


def _digest_identity(callback: Callback, key: VerificationKey, digester: Digester) -> KeyedDigest | None:
    if callback.identity is None:
        return None
    return digester.digest("identity", f"{key.account}\0{key.reference}\0{callback.identity}")
