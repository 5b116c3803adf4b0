"""The parts that the lanes of a callback share, built once per process."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.callbacks.circuit_breaker import CircuitBreaker
from api.callbacks.correlation import CorrelationLookup
from api.callbacks.dispatch import Dispatcher, Verifications
from api.callbacks.limits import DEFAULT_LIMITS, CallbackLimits
from api.callbacks.receipts import ReceiptArchive
from api.callbacks.signature_marks import SignatureMarks
from vigil.config.accounts import OpenAccount
from vigil.domain.digest import Digester
from vigil.observability import Metrics
from vigil.sealing.storage import opens_receipts
from vigil.storage.contract import Storage
from vigil.storage.correlations import Correlations
from vigil.storage.inbox import Inbox


@dataclass(frozen=True)
class CallbackServices:
    """Everything that `Intake` and `Relay` work with. Safe to share."""

    accounts: Mapping[str, OpenAccount]
    storage: Storage
    inbox: Inbox
    archive: ReceiptArchive
    correlations: CorrelationLookup
    signatures: SignatureMarks
    dispatcher: Dispatcher
    digester: Digester
    metrics: Metrics
    limits: CallbackLimits


def build_services(
    accounts: Mapping[str, OpenAccount],
    verifications: Verifications,
    storage: Storage,
    digester: Digester,
    *,
    metrics: Metrics,
    limits: CallbackLimits = DEFAULT_LIMITS,
) -> CallbackServices:
    """Return the parts. Everything that uses the storage shares one circuit breaker."""
    inbox, storage_breaker = Inbox(storage, opens_receipts=opens_receipts(storage)), CircuitBreaker()
    return CallbackServices(
        accounts=accounts,
        storage=storage,
        inbox=inbox,
        archive=ReceiptArchive(inbox, storage_breaker, digester, metrics, limits),
        correlations=CorrelationLookup(Correlations(storage), storage_breaker, digester, limits),
        signatures=SignatureMarks(inbox, storage_breaker, digester, metrics, limits),
        dispatcher=Dispatcher(verifications, storage, metrics, limits),
        digester=digester,
        metrics=metrics,
        limits=limits,
    )
