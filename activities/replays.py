"""Asks a provider to send a callback once more."""

from collections.abc import Mapping

import structlog
from temporalio import activity

from activities.failures import try_again
from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderError, ProviderUnavailable
from vigil.providers.contract import CallbackReplayer
from vigil.temporal import messages

_log = structlog.get_logger("vigil.reads")


class ReplayActivities:
    """Replays for the accounts whose provider can send a callback again."""

    def __init__(self, replayers: Mapping[str, CallbackReplayer], digester: Digester) -> None:
        """Take the replayers by account."""
        self._replayers = replayers
        self._digester = digester

    @activity.defn(name=messages.REPLAY)
    async def replay(self, order: messages.ReadInput) -> None:
        """Ask for the callback again. Only an outage is retried, since any other answer is final."""
        replayer = self._replayers.get(order.question.key.account)
        if replayer is None:
            raise try_again("account_not_configured")
        try:
            await replayer.replay(order.question.opened(self._digester))
        except ProviderUnavailable as error:
            raise try_again(error.code, after=error.retry_after) from None
        except ProviderError as error:
            _log.info("callback.not_replayed", account=order.question.key.account, code=error.code)
