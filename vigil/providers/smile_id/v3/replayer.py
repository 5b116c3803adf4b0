"""Having a callback of the third generation sent once more: the only thing that we ever cause at Smile ID."""

from typing import Final

import httpx

from vigil.domain.errors import ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.providers.login import Login
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v3.login import asker
from vigil.providers.smile_id.v3.wire import job_id

REPLAY: Final = "/v3/replay/"

_LATER: Final = frozenset({408, 409, 425, 429})
"""Answers in the fours that time may heal; 409 says that the job is not over yet."""


class SmileV3Replayer:
    """Acts on one account."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, login: Login) -> None:
        """Take the account's settings, the shared client, and the login that the reader has, too."""
        self._url = settings.base_url + REPLAY
        self._asker = asker(http, login)

    async def replay(self, question: ReadRequest) -> None:
        """Ask for the callback again, to the address that it went to before.

        Raises:
            ReferenceUnknown: there is no such job.
            ProviderRefusesUs: not with these credentials, or nowhere that callbacks may go to.
            ProviderUnavailable: no usable answer, or the job is not over yet.

        """
        reference = job_id(question.key.reference)
        if reference is None:
            raise ReferenceUnknown("not_a_reference")
        # Another address could only come in a form; without one there is no body at all (D).
        answer = await self._asker.ask(self._url + reference, method="POST")
        if answer.status == httpx.codes.ACCEPTED:
            return
        code = f"http_{answer.status}"
        if answer.status == httpx.codes.NOT_FOUND:
            raise ReferenceUnknown(code)
        if httpx.codes.is_client_error(answer.status) and answer.status not in _LATER:
            raise ProviderRefusesUs(code)
        raise ProviderUnavailable(code, retry_after=answer.retry_after())
