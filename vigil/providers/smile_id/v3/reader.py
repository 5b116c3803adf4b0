"""Asking the third generation: how a job stands, and the files that its callback has links to."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from vigil.domain.errors import ArtifactLost, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest, Snapshot
from vigil.domain.terms import EvidenceKind, LossReason, as_word
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.login import Login
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v3 import vocabulary
from vigil.providers.smile_id.v3.details import Details, details_of
from vigil.providers.smile_id.v3.login import asker
from vigil.providers.smile_id.v3.status import snapshot_of, unrecognised
from vigil.providers.smile_id.v3.wire import PRODUCT, job_id
from vigil.providers.transport import HttpAnswer

STATUS: Final = "/v3/status/"

_CALLBACK: Final = "callback"
_REFUSALS: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_TELLING: Final = frozenset({httpx.codes.OK, httpx.codes.ACCEPTED})


class SmileV3Reader:
    """Reads one account; everything it does leaves Smile ID as it was."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, login: Login, links: Links) -> None:
        """Take the account's settings, the shared client, the account's login and what opens its links."""
        self._settings = settings
        self._login = login
        self._asker = asker(http, login)
        self._links = links

    async def check_login(self) -> None:
        """Ask for a token. Raises `ProviderRefusesUs` or `ProviderUnavailable`."""
        await self._login.renew()

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask for the status, which tells a verdict without its reasons. Raises as the contract says."""
        return await self.read_with_callbacks(question, ())

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        """Ask for the status, and explain it by the newest callback that says the same. Raises as the contract says.

        `callbacks` are bodies, the newest first. What they say decides nothing: only reasons, checks and links are
        taken from them, and what the account's policy makes of a reason.
        """
        reference = _named(question)
        url = f"{self._settings.base_url}{STATUS}{reference}"
        answer = await self._asker.ask(url)
        told = _told(answer)
        if isinstance(told, Snapshot):
            return ProviderResponse(snapshot=told, word=told.word, raw=answer.content)
        if told.get("job_id") not in {None, reference}:
            return ProviderResponse(snapshot=unrecognised("job_id"), raw=answer.content)
        return self._reply(answer, told, question, callbacks)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open a file by its link in the stored result. Raises as the contract says.

        A link that is over, or is not in this result, is `link_expired`: a replay brings a callback with fresh ones.
        """
        link = _link_in(result, artifact.locator)
        if link is None:
            raise ArtifactLost(LossReason.LINK_EXPIRED)
        async with self._links.opened(link, is_picture=artifact.kind is not EvidenceKind.RECEIPT) as stream:
            yield stream

    def _reply(
        self, answer: HttpAnswer, told: Mapping[str, Any], question: ReadRequest, callbacks: Sequence[bytes]
    ) -> ProviderResponse:
        word = told.get("status")
        details = details_of(word, callbacks) if isinstance(word, str) else None
        snapshot = snapshot_of(
            told,
            is_over=answer.status == httpx.codes.OK,
            product=as_word(question.coordinates.get(PRODUCT)),
            details=details,
            policy=self._settings.policy,
        )
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=_kept(told, details))


def _named(question: ReadRequest) -> str:
    reference = job_id(question.key.reference)
    if reference is None:
        # Nothing but an id may become a part of the address.
        raise ReferenceUnknown("not_a_reference")
    return reference


def _told(answer: HttpAnswer) -> dict[str, Any] | Snapshot:
    """Return what an answer holds, or what can be said of one that holds no object."""
    if answer.status in _REFUSALS:
        raise ProviderRefusesUs(f"http_{answer.status}")
    try:
        content = parse_json(answer.content)
    except NotReadable as error:
        if answer.status in _TELLING and error.why != "not_json":
            return unrecognised("answer", error.why)
        raise _unavailable(answer) from None
    if answer.status == httpx.codes.NOT_FOUND and as_object(content).get("status") in vocabulary.NOT_FOUND:
        raise ReferenceUnknown("not_found")
    if answer.status not in _TELLING:
        # A 404 in other words is a wrong address, and says nothing of the job.
        raise _unavailable(answer)
    return content if isinstance(content, dict) else unrecognised("answer", type(content).__name__)


def _unavailable(answer: HttpAnswer) -> ProviderUnavailable:
    code = "not_json" if answer.status in _TELLING else f"http_{answer.status}"
    return ProviderUnavailable(code, retry_after=answer.retry_after())


def _kept(told: Mapping[str, Any], details: Details | None) -> bytes:
    """Write what is stored as the result: the status, and the callback that explains it."""
    return json.dumps({"status": told, _CALLBACK: details and details.body}).encode()


def _link_in(result: bytes | None, locator: str) -> str | None:
    try:
        stored = as_object(parse_json(result or b""))
    except NotReadable:
        return None
    return Details(as_object(stored.get(_CALLBACK))).link(locator)
