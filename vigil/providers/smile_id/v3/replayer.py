"""Requests a callback of the third generation again: the only request that causes anything at Smile ID."""

from typing import Final

import httpx

from vigil.domain.errors import ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.providers.login import Login
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v3.login import authorized_client
from vigil.providers.smile_id.v3.wire import job_id, refusal_of

REPLAY: Final = "/v3/replay/"

_LATER: Final = frozenset({408, 409, 425, 429})
"""4xx answers that may change with time. 409 means that the job has not ended yet."""


class SmileV3Replayer:
    """Requests callbacks of one account again."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, login: Login) -> None:
        """Take the account's settings, the shared client, and the login that it shares with the reader."""
        self._url = settings.base_url + REPLAY
        self._client = authorized_client(settings, http, login)

    async def replay(self, question: ReadRequest) -> None:
        """Request the callback again, at the address to which it went before.

        Raises:
            ReferenceUnknown: there is no such job.
            ProviderRefusesUs: our credentials are refused, or the address is not allowed.
            ProviderUnavailable: there was no usable answer, or the job has not ended yet.

        """
        reference = job_id(question.key.reference)
        if reference is None:
            raise ReferenceUnknown("not_a_reference")
        # A body could only hold another address. Without one there is no body (D).
        answer = await self._client.request(self._url + reference, method="POST")
        if answer.status == httpx.codes.ACCEPTED:
            return
        code = f"http_{answer.status}"
        if answer.status == httpx.codes.NOT_FOUND:
            raise ReferenceUnknown(code)
        if httpx.codes.is_client_error(answer.status) and answer.status not in _LATER:
            raise refusal_of(answer)
        raise ProviderUnavailable(code, retry_after=answer.retry_after())
