"""Reading from Identomat: the result of a session, its pictures and the recordings of its calls."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Final

import httpx

from vigil.domain.errors import ArtifactNotReady, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.answers import REFUSALS, failure_of, unrecognised
from vigil.providers.contract import ArtifactStream, FilePosition, ProviderResponse
from vigil.providers.downloads import (
    IDENTITY,
    declared_media_type,
    identify_file,
    peek,
    require_file,
    require_rest,
    rest_of,
    stream_with_resume,
)
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.media import file_type, is_argument_error, read_failure
from vigil.providers.identomat.result import snapshot_of
from vigil.providers.identomat.settings import IdentomatSettings
from vigil.providers.identomat.signatures import Signatures
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.transport import HttpAnswer, exchange, open_response

RESULT: Final = "result/"
RECORDINGS: Final = "get-video-call-videos/"
"""Only the last part of this address is documented. That it takes the same request as the others is inferred."""

_NO_SESSION: Final = "vigil-asks-for-no-session"
_VIDEOS: Final = frozenset({EvidenceKind.CALL_RECORDING, EvidenceKind.LIVENESS_VIDEO})
_GONE: Final[Mapping[int, LossReason]] = {httpx.codes.GONE: LossReason.GONE}
_LOSSES_OF_PICTURES: Final = {**_GONE, httpx.codes.NOT_FOUND: LossReason.NEVER_CAPTURED}
# unknown: the answer for a recording that is not ready yet. It may come after days, so a later listing brings it back.
_NOT_READY: Final[Mapping[int, LossReason | None]] = dict.fromkeys(
    (httpx.codes.ACCEPTED, httpx.codes.NO_CONTENT, httpx.codes.TOO_EARLY, httpx.codes.NOT_FOUND),
    LossReason.NOT_DELIVERED,
)


class IdentomatReader:
    """Reads one account. It changes nothing at Identomat.

    Every request is a POST with its parameters in the body, which keeps keys and session ids out of access logs.
    """

    def __init__(self, settings: IdentomatSettings, http: httpx.AsyncClient) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._http = http
        self._signatures = Signatures(settings.secret_key[0] if settings.secret_key else None)

    async def check_login(self) -> None:
        """Request a session that cannot exist, since there is no login. Raises `ProviderRefusesUs` as `read` does.

        The answer to a wrong company key is unknown, so a wrong key may pass here.
        """
        with suppress(ReferenceUnknown):
            await self._read(_NO_SESSION)

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Read the result. Raises as `contract.Reader.read`."""
        return await self._read(question.key.reference)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open a picture by its name, or a recording by its file. Raises as `contract.Reader.open_artifact`.

        A download that is cut is resumed. No address comes from an answer.
        """
        path, fields = _address_of(artifact)
        send = partial(self._open, path, {"session_token": question.key.reference, **fields})
        largest = self._largest(artifact)
        losses = _GONE if artifact.kind is EvidenceKind.CALL_RECORDING else _LOSSES_OF_PICTURES
        async with send({}) as response, aclosing(stream_with_resume(response, send, largest=largest)) as whole:
            require_file(response, losses=losses, not_ready=_NOT_READY, largest=largest)
            head, chunks = await peek(whole)
            media_type = file_type(head, declared_media_type(response))
            if media_type is None:
                raise await read_failure(chunks)
            verified = self._signatures.verify_stream(response.headers, chunks)
            # A signature covers the whole file, so the rest of a signed one cannot be verified by itself.
            file = None if self._settings.secret_key else identify_file(response)
            yield ArtifactStream(chunks=verified, media_type=media_type, file=file)

    @asynccontextmanager
    async def resume_artifact(
        self, question: ReadRequest, artifact: Artifact, at: FilePosition
    ) -> AsyncIterator[ArtifactStream]:
        """Open the rest of a file. Raises as `contract.ResumingReader.resume_artifact`."""
        path, fields = _address_of(artifact)
        send = partial(self._open, path, {"session_token": question.key.reference, **fields})
        stream = partial(stream_with_resume, send=send, largest=self._largest(artifact), at=at)
        async with send(rest_of(at)) as response, aclosing(stream(response)) as rest:
            if response.status_code in REFUSALS:
                raise ProviderRefusesUs(f"http_{response.status_code}")
            require_rest(response, at)
            yield ArtifactStream(chunks=rest, file=at.file)

    def _largest(self, artifact: Artifact) -> int:
        return self._settings.largest_artifact if artifact.kind in _VIDEOS else self._settings.largest_image

    async def _read(self, reference: str) -> ProviderResponse:
        request = self._build_request(RESULT, {"session_token": reference})
        answer = await exchange(self._http, request, largest=self._settings.largest_answer)
        reply = _read_result(answer)
        # Only answers about a session are signed. `_read_result` has raised the error of any other answer.
        self._signatures.verify(answer.headers, answer.content)
        return reply

    def _open(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx.Response]:
        return open_response(self._http, self._build_request(path, fields, {**IDENTITY, **headers}))

    def _build_request(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Request:
        body = json.dumps({"company_key": self._settings.company_key[0].get_secret_value(), **fields}).encode()
        return self._http.build_request(
            "POST",
            f"{self._settings.base_url}/{path}",
            content=body,
            headers={"Content-Type": "application/json", **self._signatures.headers(body), **(headers or {})},
        )


def _address_of(artifact: Artifact) -> tuple[str, Mapping[str, str]]:
    """Return the path of a file, and the fields that name it besides the session."""
    if artifact.kind is EvidenceKind.CALL_RECORDING:
        return RECORDINGS, {"fileId": artifact.locator}
    picture = vocabulary.PICTURES.get(artifact.locator)
    if picture is None:
        raise ArtifactNotReady("not_listed")
    return picture.path, {}


def _read_result(answer: HttpAnswer) -> ProviderResponse:
    """Read an answer by its JSON type, since an error may come with any status."""
    is_success = httpx.codes.is_success(answer.status)
    try:
        content = parse_json(answer.content)
    except NotReadable as error:
        if not is_success:
            raise failure_of(answer) from None
        if error.why == "not_json":
            # A proxy's page or half a result: another read may return the result.
            raise ProviderUnavailable("not_json", retry_after=answer.retry_after()) from None
        return ProviderResponse(snapshot=unrecognised("answer", error.why), raw=answer.content)
    if content == vocabulary.SESSION_NOT_FOUND:
        raise ReferenceUnknown(vocabulary.SESSION_NOT_FOUND)
    if is_argument_error(content):
        raise ProviderRefusesUs("argument_error")
    if not is_success:
        raise failure_of(answer)
    snapshot = snapshot_of(content)
    return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=answer.content)
