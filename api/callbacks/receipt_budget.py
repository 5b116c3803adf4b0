"""How many bytes the callbacks of one account may leave in the storage, by how strongly they are proven."""

from datetime import timedelta
from functools import partial
from typing import Final

from api.callbacks.limits import CallbackLimits, TokenBuckets
from vigil.domain.digest import Digester
from vigil.domain.terms import Proof
from vigil.observability import Metrics
from vigil.storage.inbox import Receipt

_HOUR: Final = timedelta(hours=1)


class ReceiptBudget:
    """The budgets of one process, for each account and proof.

    Anybody may send what proves nothing: its body is always cut, and beyond the budget no receipt is stored. A proven
    callback is never refused: beyond the budget its body is cut, unless the body says more than the events.
    """

    def __init__(self, digester: Digester, metrics: Metrics, limits: CallbackLimits) -> None:
        self._digest = partial(digester.digest, "delivery")
        self._metrics = metrics
        self._proven_bytes = TokenBuckets(limits.proven_bytes_per_hour, per=_HOUR)
        self._unproven = TokenBuckets(limits.unproven_receipts_per_hour, per=_HOUR)
        self._unproven_bytes = TokenBuckets(limits.unproven_bytes_per_hour, per=_HOUR)

    def fit(self, receipt: Receipt, *, needs_body: bool) -> Receipt | None:
        """Return the receipt that may be stored, its body cut if it must be; None if none may be stored."""
        key = (receipt.account, receipt.proof)
        if Proof(receipt.proof).may_start:
            if self._proven_bytes.take(*key, amount=len(receipt.body)):
                return receipt
            self._metrics.over_budget.labels(*key).inc()
            return receipt if needs_body else receipt.cut(self._digest)
        cut = receipt.cut(self._digest)
        size = len(cut.model_dump_json())
        if self._unproven.take(*key) and self._unproven_bytes.take(*key, amount=size):
            return cut
        self._metrics.over_budget.labels(*key).inc()
        return None
