"""From a callback as it came in to the notice that a workflow may see and the receipt that storage may keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from pydantic import ValidationError

from vigil.domain.callback_event import CallbackEvent, Observation, Unreadable
from vigil.domain.digest import Digester
from vigil.domain.message import MessageRequest
from vigil.domain.terms import KeyedDigest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import Callback, CallbackRequest, DelegatedMessage, GenuineRequest
from vigil.storage.inbox import KeptNotice, Receipt

Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Arrival:
    """A callback as the face took it in. Header names are lower case."""

    account: str
    correlation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    source: Address | None
    received_at: datetime


def request_of(arrival: Arrival) -> CallbackRequest:
    """Return what a provider is asked to prove."""
    return CallbackRequest(
        account=arrival.account,
        correlation=arrival.correlation,
        headers=arrival.headers,
        body=arrival.body,
        received_at=arrival.received_at,
    )


def notice_of(genuine: GenuineRequest, callback: Callback, key: VerificationKey, digester: Digester) -> CallbackEvent:
    """Return what the workflow is told. What has no bounded, coded form becomes `Unreadable`, never an error."""
    try:
        return _notice(genuine, callback, callback.observation, key, digester)
    except ValidationError:
        bare = Callback(reference=callback.reference, observation=Unreadable(why="wrong_shape"))
        return _notice(genuine, bare, bare.observation, key, digester)


def order_of(
    genuine: GenuineRequest,
    message: DelegatedMessage,
    key: VerificationKey,
    path: str,
    *,
    send_before: timedelta,
    digester: Digester,
) -> MessageRequest:
    """Return what may be told of a message. Equal ones, for one verification and one receiver, have equal digests."""
    said = (key.account, key.reference, message.kind, message.address or "", message.subject or "", message.content)
    received_at = genuine.request.received_at
    return MessageRequest(
        key=key,
        path=path,
        kind=message.kind,
        digest=digester.digest("message", "\0".join(said)),
        received_at=received_at,
        send_before=received_at + send_before,
    )


def receipt_of(
    genuine: GenuineRequest,
    kept_headers: frozenset[str],
    notices: Sequence[KeptNotice] = (),
    *,
    message: MessageRequest | None = None,
) -> Receipt:
    """Return our copy of the callback, without what proves its sender."""
    request = genuine.request
    return Receipt(
        received_at=request.received_at,
        account=request.account,
        correlation=request.correlation,
        proof=genuine.proof,
        headers={name: value for name, value in request.headers.items() if name in kept_headers},
        body=genuine.kept_body,
        notices=list(notices),
        message=message,
    )


def _notice(
    genuine: GenuineRequest, callback: Callback, observation: Observation, key: VerificationKey, digester: Digester
) -> CallbackEvent:
    return CallbackEvent(
        delivery=digester.digest("delivery", genuine.request.body),
        identity=_identity(callback, key, digester),
        intermediate=callback.intermediate,
        received_at=genuine.request.received_at,
        proof=genuine.proof,
        sender=callback.sender,
        correlation=genuine.request.correlation,
        coordinates=dict(callback.coordinates),
        session_kind=callback.session_kind,
        unknown_fields=callback.unknown_fields,
        observation=observation,
    )


def _identity(callback: Callback, key: VerificationKey, digester: Digester) -> KeyedDigest | None:
    if callback.identity is None:
        return None
    return digester.digest("identity", f"{key.account}\0{key.reference}\0{callback.identity}")
