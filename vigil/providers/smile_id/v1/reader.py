"""Asking the first generation: how a job stands, and the files behind it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
    ReplyUnproven,
)
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import Instant, LossReason, Stage, as_word
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.files import media_type_of
from vigil.providers.parsing import NotReadable, as_object, parse_json
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.settings import SmileIdSettings
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.evidence import FILES, decoded, text_of, without_pictures
from vigil.providers.smile_id.v1.job_status import snapshot_of, unrecognised
from vigil.providers.smile_id.v1.wire import SIGNATURE, job_type_of, signed_time
from vigil.providers.transport import HttpAnswer, exchange

JOB_STATUS: Final = "/v1/job_status"

_NOBODY: Final = "vigil-asks-for-no-job"
_REFUSALS: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_UNKNOWN_TYPE: Final = "application/octet-stream"
_MAY_HEAL: Final = frozenset({LossReason.LINK_EXPIRED, LossReason.GONE})


class SmileV1Reader:
    """Reads one account; everything it does leaves Smile ID as it was.

    Every question is a POST with its parameters in the body, which keeps ids out of access logs.
    """

    def __init__(
        self,
        settings: SmileIdSettings,
        http: httpx.AsyncClient,
        links: Links,
        clock: Callable[[], Instant] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the account's settings, the shared client, and what follows links; `clock` dates what we sign."""
        self._settings = settings
        self._http = http
        self._links = links
        self._clock = clock
        self._signatures = Signatures(settings.partner_id, settings.api_key)

    async def check_login(self) -> None:
        """Ask for a job that cannot be, since there is no login. Raises as `read` does.

        A wrong key shows twice: Smile ID refuses our signature, and its answer has another one than we expect.
        """
        with suppress(ReferenceUnknown):
            await self._asked({"user_id": _NOBODY, "job_id": _NOBODY}, with_links=False)

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask how a job stands. Raises as the contract says.

        One that is over is asked about once more, with its links, so that we know which pictures there are.
        """
        reply = await self._read(question, with_links=False)
        if reply.snapshot is None or reply.snapshot.stage is not Stage.CONCLUDED:
            return reply
        return await self._read(question, with_links=True)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open one file. Raises as the contract says. Links expire, so they come from a fresh answer each time."""
        held = FILES.get(artifact.locator)
        if held is None:
            raise ArtifactLost(LossReason.NEVER_CAPTURED)
        frame = as_object(_parsed(await self._asked(_names(question), with_links=True)))
        if not _is_about(frame, question.key.reference):
            raise ArtifactNotReady("other_job", otherwise=LossReason.REFUSED)
        text = text_of(frame, held)
        if text is None:
            raise ArtifactNotReady("not_listed", otherwise=LossReason.GONE)
        if held.as_ == "base64":
            content = decoded(text)
            yield ArtifactStream(chunks=_once(content), media_type=media_type_of(content) or _UNKNOWN_TYPE)
            return
        async with self._fresh(text, is_picture=held.as_ == "picture_link") as stream:
            yield stream

    @asynccontextmanager
    async def _fresh(self, link: str, *, is_picture: bool) -> AsyncIterator[ArtifactStream]:
        """Open a link that was made just now: one that seems old or gone may do better when it is made anew."""
        async with AsyncExitStack() as opened:
            try:
                stream = await opened.enter_async_context(self._links.opened(link, is_picture=is_picture))
            except ArtifactLost as error:
                if error.loss not in _MAY_HEAL:
                    raise
                raise ArtifactNotReady(error.code, otherwise=error.loss) from None
            yield stream

    async def _read(self, question: ReadRequest, *, with_links: bool) -> ProviderResponse:
        content = await self._asked(_names(question), with_links=with_links)
        try:
            frame = parse_json(content)
        except NotReadable as error:
            return ProviderResponse(snapshot=unrecognised("answer", error.why), raw=content)
        if not _is_about(frame, question.key.reference):
            return ProviderResponse(snapshot=unrecognised("job_id"), raw=without_pictures(as_object(frame)))
        snapshot = snapshot_of(frame, job_type=job_type_of(question.coordinates), policy=self._settings.policy)
        return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=without_pictures(as_object(frame)))

    async def _asked(self, names: Mapping[str, str], *, with_links: bool) -> bytes:
        """Return a proven answer. Of two live keys the second is tried where the first is refused."""
        last = len(self._settings.api_key) - 1
        for key in range(last):
            try:
                return await self._asked_with(key, names, with_links=with_links)
            except ProviderRefusesUs:
                continue
        return await self._asked_with(last, names, with_links=with_links)

    async def _asked_with(self, key: int, names: Mapping[str, str], *, with_links: bool) -> bytes:
        timestamp = self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        asked = {
            "partner_id": self._settings.partner_id,
            **names,
            "image_links": with_links,
            "history": True,
            "timestamp": timestamp,
            SIGNATURE: self._signatures.sign(timestamp, key=key),
        }
        request = self._http.build_request("POST", self._settings.base_url + JOB_STATUS, json=asked)
        return self._proven(await exchange(self._http, request))

    def _proven(self, answer: HttpAnswer) -> bytes:
        """Return what an answer says, if it says something of a job and is signed."""
        frame = _told(answer)
        code = as_word(frame.get("code"))
        if code in vocabulary.REFUSALS:
            raise ProviderRefusesUs(f"code_{code}")
        if answer.status in _REFUSALS:
            raise ProviderRefusesUs(f"http_{answer.status}")
        if not httpx.codes.is_success(answer.status):
            # inferred: this may come as an error, too, and that one unsigned
            if code == vocabulary.NO_SUCH_JOB:
                raise ReferenceUnknown(f"code_{code}")
            raise ProviderUnavailable(f"http_{answer.status}", retry_after=answer.retry_after())
        timestamp, presented = signed_time(frame), frame.get(SIGNATURE)
        if timestamp is None or not isinstance(presented, str) or not self._signatures.fits(timestamp, presented):
            raise ReplyUnproven("reply_unproven")
        if code == vocabulary.NO_SUCH_JOB:
            # No state of a job: one that is decided and then deleted must not look as if it had begun anew.
            raise ReferenceUnknown(f"code_{code}")
        return answer.content


def _names(question: ReadRequest) -> Mapping[str, str]:
    """Return what names a job. Raises `ReferenceUnknown`: without the user, nobody can be asked for it."""
    user_id = question.coordinates.get("user_id")
    if user_id is None:
        raise ReferenceUnknown("user_id_unknown")
    return {"user_id": user_id, "job_id": question.key.reference}


def _is_about(frame: object, reference: str) -> bool:
    """Whether an answer is about this job, as far as it says."""
    params = as_object(as_object(as_object(frame).get("result")).get("PartnerParams"))
    return params.get("job_id") is None or str(params["job_id"]) == reference


def _told(answer: HttpAnswer) -> Mapping[str, Any]:
    """Return the object that an answer is; empty for an error that is none. Raises `ProviderUnavailable`."""
    try:
        return as_object(parse_json(answer.content))
    except NotReadable:
        if httpx.codes.is_success(answer.status):
            # A page of a proxy, or half an answer: asking again may bring the job.
            raise ProviderUnavailable("not_json") from None
        return {}


def _parsed(content: bytes) -> Any:
    return json.loads(content.decode("utf-8-sig"))


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
