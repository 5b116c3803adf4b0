"""Reading from the first generation: the status of a job, and its files."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from vigil.domain.errors import (
    ANSWER_TOO_LARGE,
    ArtifactLost,
    ArtifactNotReady,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
    ReplyUnproven,
)
from vigil.domain.snapshot import Artifact, Drift, ReadRequest
from vigil.domain.terms import Instant, LossReason, Stage, as_word
from vigil.providers.answers import REFUSALS, unrecognised
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.downloads import detect_media_type
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.senders import V1
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.evidence import FILES, decode_base64, find_file, remove_pictures
from vigil.providers.smile_id.v1.job_status import snapshot_of
from vigil.providers.smile_id.v1.wire import SIGNATURE, job_id_of, job_type_of, signed_time
from vigil.providers.transport import HttpAnswer, exchange

JOB_STATUS: Final = "/v1/job_status"

_NO_JOB: Final = "vigil-asks-for-no-job"
_UNKNOWN_TYPE: Final = "application/octet-stream"
_UNDECIDED_WITHOUT_HISTORY: Final = frozenset({Stage.PROCESSING, Stage.UNRECOGNISED})
"""The part that is missing may be in the history."""
_WORTH_RETRY: Final = frozenset({LossReason.LINK_EXPIRED, LossReason.GONE})


class SmileV1Reader:
    """Reads one account. It changes nothing at Smile ID.

    Every request is a POST with its parameters in the body, which keeps ids out of access logs.
    """

    def __init__(
        self,
        settings: SmileIdSettings,
        http: httpx.AsyncClient,
        links: Links,
        clock: Callable[[], Instant] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the account's settings, the shared client, and the account's links; `clock` dates our signatures."""
        self._settings = settings
        self._http = http
        self._links = links
        self._clock = clock
        self._signatures = Signatures(settings.partner_id, settings.api_key)

    async def check_login(self) -> None:
        """Request a job that cannot exist, since there is no login. Raises the same errors as `read`.

        A wrong key shows twice: Smile ID refuses our signature, and the signature of its answer does not match.
        """
        with suppress(ReferenceUnknown):
            await self._request({"user_id": _NO_JOB, "job_id": _NO_JOB}, with_links=False)

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read a job. Raises as `contract.Reader.read`.

        A concluded job is read once more with its links, which show the pictures that it has.
        """
        reply = await self._read(question, with_links=False)
        if reply.snapshot is None or reply.snapshot.stage is not Stage.CONCLUDED:
            return reply
        try:
            return await self._read(question, with_links=True)
        except ProviderUnavailable as error:
            if error.code != ANSWER_TOO_LARGE:
                raise
        # The verdict is known. That files may be missing must be seen.
        drift = Drift(field="answer", value=ANSWER_TOO_LARGE)
        return replace(reply, snapshot=reply.snapshot.model_copy(update={"unrecognised": (drift,)}))

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as `contract.Reader.open_artifact`. Links expire, so each comes from a new answer."""
        file = FILES.get(artifact.locator)
        if file is None:
            raise ArtifactLost(LossReason.NEVER_CAPTURED)
        frame = as_object(_load(await self._request_files(_ids_of(question))))
        if not _is_about(frame, question.key.reference):
            raise ArtifactNotReady("other_job", otherwise=LossReason.REFUSED)
        text = find_file(frame, file)
        if text is None:
            raise ArtifactNotReady("not_listed", otherwise=LossReason.GONE)
        if file.form == "base64":
            content = decode_base64(text)
            yield ArtifactStream(chunks=_stream(content), media_type=detect_media_type(content) or _UNKNOWN_TYPE)
            return
        async with self._open_link(text, is_picture=file.form == "picture_link") as stream:
            yield stream

    @asynccontextmanager
    async def _open_link(self, link: str, *, is_picture: bool) -> AsyncIterator[ArtifactStream]:
        """Open a link of a new answer. If it seems expired or gone, the link of a later answer may work."""
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(self._links.open(link, is_picture=is_picture))
            except ArtifactLost as error:
                if error.loss not in _WORTH_RETRY:
                    raise
                raise ArtifactNotReady(error.code, otherwise=error.loss) from None
            yield stream

    async def _read(self, question: ReadRequest, *, with_links: bool) -> ProviderResponse:
        """Read a job, without its history if the answer is too large with it."""
        try:
            return await self._read_once(question, with_links=with_links, with_history=True)
        except ProviderUnavailable as error:
            if error.code != ANSWER_TOO_LARGE:
                raise
            reply = await self._read_once(question, with_links=with_links, with_history=False)
            if reply.snapshot is not None and reply.snapshot.stage in _UNDECIDED_WITHOUT_HISTORY:
                raise
            return reply

    async def _read_once(self, question: ReadRequest, *, with_links: bool, with_history: bool) -> ProviderResponse:
        content = await self._request(_ids_of(question), with_links=with_links, with_history=with_history)
        try:
            frame = parse_json(content)
        except NotReadable as error:
            return ProviderResponse(snapshot=unrecognised("answer", error.why, sender=V1), raw=content)
        if not _is_about(frame, question.key.reference):
            return ProviderResponse(snapshot=unrecognised("job_id", sender=V1), raw=remove_pictures(as_object(frame)))
        snapshot = snapshot_of(frame, job_type=job_type_of(question.coordinates), policy=self._settings.policy)
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=remove_pictures(as_object(frame)))

    async def _request_files(self, ids: Mapping[str, str]) -> bytes:
        """Return a proven answer with links, without its history if it is too large with it."""
        try:
            return await self._request(ids, with_links=True)
        except ProviderUnavailable as error:
            if error.code != ANSWER_TOO_LARGE:
                raise
            return await self._request(ids, with_links=True, with_history=False)

    async def _request(self, ids: Mapping[str, str], *, with_links: bool, with_history: bool = True) -> bytes:
        """Return a proven answer. Of two keys the second is tried if the first is refused."""
        last = len(self._settings.api_key) - 1
        for key in range(last):
            try:
                return await self._request_with(key, ids, with_links=with_links, with_history=with_history)
            except ProviderRefusesUs:
                continue
        return await self._request_with(last, ids, with_links=with_links, with_history=with_history)

    async def _request_with(self, key: int, ids: Mapping[str, str], *, with_links: bool, with_history: bool) -> bytes:
        timestamp = self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {
            "partner_id": self._settings.partner_id,
            **ids,
            "image_links": with_links,
            "history": with_history,
            "timestamp": timestamp,
            SIGNATURE: self._signatures.sign(timestamp, key=key),
        }
        request = self._http.build_request("POST", self._settings.base_url + JOB_STATUS, json=body)
        return self._verify(await exchange(self._http, request, largest=self._settings.largest_answer))

    def _verify(self, answer: HttpAnswer) -> bytes:
        """Return the content of an answer that is about a job and is signed."""
        frame = _parse(answer)
        code = as_word(frame.get("code"))
        if code in vocabulary.REFUSALS:
            raise ProviderRefusesUs(f"code_{code}")
        if answer.status in REFUSALS:
            raise ProviderRefusesUs(f"http_{answer.status}")
        if not httpx.codes.is_success(answer.status):
            # inferred: this code may also come with an error status, unsigned
            if code == vocabulary.NO_SUCH_JOB:
                raise ReferenceUnknown(f"code_{code}")
            raise ProviderUnavailable(f"http_{answer.status}", retry_after=answer.retry_after())
        timestamp, presented = signed_time(frame), frame.get(SIGNATURE)
        if timestamp is None or not isinstance(presented, str) or not self._signatures.verify(timestamp, presented):
            raise ReplyUnproven("reply_unproven")
        if code == vocabulary.NO_SUCH_JOB:
            # This is no state of a job: a deleted job must not look like a new one.
            raise ReferenceUnknown(f"code_{code}")
        return answer.content


def _ids_of(question: ReadRequest) -> Mapping[str, str]:
    """Return the ids of a job. Raises `ReferenceUnknown` without a user id, which the request needs."""
    user_id = question.coordinates.get("user_id")
    if user_id is None:
        raise ReferenceUnknown("user_id_unknown")
    return {"user_id": user_id, "job_id": question.key.reference}


def _is_about(frame: object, reference: str) -> bool:
    """Whether an answer is about this job. An answer without an id counts as about it."""
    params = as_object(as_object(as_object(frame).get("result")).get("PartnerParams"))
    return params.get("job_id") is None or job_id_of(params) == reference


def _parse(answer: HttpAnswer) -> Mapping[str, Any]:
    """Return the answer's object; empty for an error without one. Raises `ProviderUnavailable`."""
    try:
        return as_object(parse_json(answer.content))
    except NotReadable:
        if httpx.codes.is_success(answer.status):
            # A proxy's page or half an answer: another read may return the job.
            raise ProviderUnavailable("not_json") from None
        return {}


def _load(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content
