"""Reading from the third generation: the status of a job, and the files to which its callback has links."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import httpx

from vigil.domain.errors import ArtifactLost, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest, Snapshot
from vigil.domain.terms import EvidenceKind, LossReason, as_word
from vigil.providers.answers import REFUSALS, unrecognised
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.login import Login
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.v3 import vocabulary
from vigil.providers.smile_id.v3.details import Details, details_of
from vigil.providers.smile_id.v3.login import authorized_client
from vigil.providers.smile_id.v3.status import snapshot_of
from vigil.providers.smile_id.v3.wire import PRODUCT, job_id, partners_id, refusal_of
from vigil.providers.transport import HttpAnswer

STATUS: Final = "/v3/status/"

_NO_JOB: Final = "job_00000000000000000000000000"
_CALLBACK: Final = "callback"
_RESULTS: Final = frozenset({httpx.codes.OK, httpx.codes.ACCEPTED})


class SmileV3Reader:
    """Reads one account. It changes nothing at Smile ID."""

    def __init__(self, settings: SmileIdSettings, http: httpx.AsyncClient, login: Login, links: Links) -> None:
        """Take the account's settings, the shared client, and the account's login and links."""
        self._settings = settings
        self._login = login
        self._client = authorized_client(settings, http, login)
        self._links = links

    async def check_login(self) -> None:
        """Log in, and read a job that cannot exist: our address may not be allowed to.

        Raises `ProviderRefusesUs` or `ProviderUnavailable`.
        """
        await self._login.renew()
        with suppress(ReferenceUnknown, ProviderUnavailable):
            await self._read_status(_NO_JOB)

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the status, which has a verdict without its reasons. Raises as `contract.Reader.read`."""
        return await self.read_with_callbacks(question, ())

    async def read_with_callbacks(self, question: ReadRequest, callbacks: Sequence[bytes]) -> ProviderResponse:
        """Read the status, with the details of a callback that has the same status.

        `callbacks` are bodies whose details are confirmed. They decide nothing: only reasons, checks and links come
        from them, and the account's policy on a reason. Raises as `contract.Reader.read`.
        """
        reference = job_id(question.key.reference) or partners_id(question.key.reference)
        if reference is None:
            # Only an id may become part of the address.
            raise ReferenceUnknown("not_a_reference")
        content, answer = await self._read_status(reference)
        if isinstance(content, Snapshot):
            return ProviderResponse(snapshot=content, word=content.word, raw=answer.content)
        if content.get("job_id") not in {None, reference}:
            return ProviderResponse(snapshot=unrecognised("job_id", sender=V3), raw=answer.content)
        word = content.get("status")
        details = details_of(word, callbacks) if isinstance(word, str) else None
        snapshot = snapshot_of(
            content,
            has_ended=answer.status == httpx.codes.OK,
            product=as_word(question.coordinates.get(PRODUCT)),
            details=details,
            policy=self._settings.policy,
        )
        # The stored result holds the status, and the callback with its details.
        raw = json.dumps({"status": content, _CALLBACK: details and details.body}).encode()
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=raw)

    async def _read_status(self, reference: str) -> tuple[dict[str, Any] | Snapshot, HttpAnswer]:
        answer = await self._client.request(f"{self._settings.base_url}{STATUS}{reference}")
        if answer.status == httpx.codes.BAD_REQUEST and job_id(reference) is None:
            # inferred: an id of the partner's own has not the documented form
            raise ReferenceUnknown("http_400")
        return _parse(answer), answer

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open a file by its link in the stored result. Raises as `contract.Reader.open_artifact`.

        An expired or missing link is `link_expired`: a replay brings a callback with new links.
        """
        link = _link_in(result, artifact.locator)
        if link is None:
            raise ArtifactLost(LossReason.LINK_EXPIRED)
        async with self._links.open(link, is_picture=artifact.kind is not EvidenceKind.RECEIPT) as stream:
            yield stream


def _parse(answer: HttpAnswer) -> dict[str, Any] | Snapshot:
    """Return the object in an answer; a snapshot if the answer is JSON, but no object."""
    if answer.status in REFUSALS:
        raise refusal_of(answer)
    try:
        content = parse_json(answer.content)
    except NotReadable as error:
        if answer.status in _RESULTS and error.why != "not_json":
            return unrecognised("answer", error.why, sender=V3)
        raise _unavailable(answer) from None
    if answer.status == httpx.codes.NOT_FOUND and as_object(content).get("status") in vocabulary.NOT_FOUND:
        raise ReferenceUnknown("not_found")
    if answer.status not in _RESULTS:
        # A 404 with another status means a wrong address, not an unknown job.
        raise _unavailable(answer)
    return content if isinstance(content, dict) else unrecognised("answer", type(content).__name__, sender=V3)


def _unavailable(answer: HttpAnswer) -> ProviderUnavailable:
    code = "not_json" if answer.status in _RESULTS else f"http_{answer.status}"
    return ProviderUnavailable(code, retry_after=answer.retry_after())


def _link_in(result: bytes | None, locator: str) -> str | None:
    try:
        stored = as_object(parse_json(result or b""))
    except NotReadable:
        return None
    return Details(as_object(stored.get(_CALLBACK))).link(locator)
