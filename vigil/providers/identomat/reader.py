"""Asking Identomat: the result of a session, its pictures and the recordings of its calls."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from typing import Final

import httpx

from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ProviderError,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
)
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.contract import ArtifactStream, ProviderResponse
from vigil.providers.files import IDENTITY, refuse_too_large, with_head
from vigil.providers.identomat import vocabulary
from vigil.providers.identomat.media import argument_error, failure_in, type_of_file
from vigil.providers.identomat.result import snapshot_of, unrecognised
from vigil.providers.identomat.settings import IdentomatSettings
from vigil.providers.identomat.signatures import Signatures
from vigil.providers.parsing import NotReadable, parse_json
from vigil.providers.resuming import resuming
from vigil.providers.transport import HttpAnswer, exchange, retry_after_of, streaming

RESULT: Final = "result/"
RECORDINGS: Final = "get-video-call-videos/"
"""Only the last part of this address is documented; that it is asked as the others are is inferred."""

_NOBODY: Final = "vigil-asks-for-no-session"
_NOT_YET: Final = frozenset({httpx.codes.ACCEPTED, httpx.codes.NO_CONTENT, httpx.codes.TOO_EARLY})
_REFUSALS: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_VIDEOS: Final = frozenset({EvidenceKind.CALL_RECORDING, EvidenceKind.LIVENESS_VIDEO})


class IdentomatReader:
    """Reads one account; everything it does leaves Identomat as it was.

    Every question is a POST with its parameters in the body, which keeps keys and session ids out of access logs.
    """

    def __init__(self, settings: IdentomatSettings, http: httpx.AsyncClient) -> None:
        """Take the account's settings and the shared client, whose owner closes it."""
        self._settings = settings
        self._http = http
        self._signatures = Signatures(settings.secret_key[0] if settings.secret_key else None)

    async def check_login(self) -> None:
        """Ask for a session that cannot be, since there is no login. Raises `ProviderRefusesUs` as `read` does.

        How a wrong company key is answered is unknown, so that one may pass here.
        """
        try:
            await self._result(_NOBODY)
        except ReferenceUnknown:
            return

    async def read(self, question: ReadRequest) -> ProviderResponse:
        """Ask for the result. Raises as the contract says."""
        return await self._result(question.key.reference)

    @asynccontextmanager
    async def open_artifact(
        self, question: ReadRequest, artifact: Artifact, result: bytes | None
    ) -> AsyncIterator[ArtifactStream]:
        """Open a picture by its name, or a recording by its file. Raises as the contract says.

        A connection that is cut while the file comes is taken up again. No address is ever taken from an answer.
        """
        path, fields = _address(artifact)
        ask = partial(self._opened, path, {"session_token": question.key.reference, **fields})
        largest = self._settings.largest_artifact if artifact.kind in _VIDEOS else self._settings.largest_image
        async with ask({}) as response, aclosing(resuming(response, ask, largest=largest)) as whole:
            _refuse_other_than_success(response, artifact)
            refuse_too_large(response, largest)
            head, chunks = await with_head(whole)
            media_type = type_of_file(head, response.headers.get("content-type", ""))
            if media_type is None:
                raise await failure_in(chunks)
            yield ArtifactStream(chunks=self._signatures.demanded(response.headers, chunks), media_type=media_type)

    async def _result(self, reference: str) -> ProviderResponse:
        answer = await exchange(self._http, self._request(RESULT, {"session_token": reference}))
        reply = _reply(answer)
        # Only answers that say something of a session are signed; refusals were raised by now.
        self._signatures.demand(answer.headers, answer.content)
        return reply

    def _opened(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[httpx.Response]:
        return streaming(self._http, self._request(path, fields, {**IDENTITY, **headers}))

    def _request(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Request:
        body = json.dumps({"company_key": self._settings.company_key[0].get_secret_value(), **fields}).encode()
        return self._http.build_request(
            "POST",
            f"{self._settings.base_url}/{path}",
            content=body,
            headers={"Content-Type": "application/json", **self._signatures.headers(body), **(headers or {})},
        )


def _address(artifact: Artifact) -> tuple[str, Mapping[str, str]]:
    """Return where a file is asked for, and what beside the session names it."""
    if artifact.kind is EvidenceKind.CALL_RECORDING:
        return RECORDINGS, {"fileId": artifact.locator}
    picture = vocabulary.PICTURES.get(artifact.locator)
    if picture is None:
        raise ArtifactNotReady("not_listed")
    return picture.path, {}


def _reply(answer: HttpAnswer) -> ProviderResponse:
    """Read an answer by its JSON type, since errors may come with any status."""
    is_success = httpx.codes.is_success(answer.status)
    try:
        content = parse_json(answer.content)
    except NotReadable as error:
        if is_success and error.why != "not_json":
            return ProviderResponse(snapshot=unrecognised("answer", error.why), raw=answer.content)
        # A page of a proxy, or half a result: asking again may bring the result.
        raise _failure(answer, otherwise="not_json") from None
    if content == vocabulary.SESSION_NOT_FOUND:
        raise ReferenceUnknown(vocabulary.SESSION_NOT_FOUND)
    if argument_error(content):
        raise ProviderRefusesUs("argument_error")
    if not is_success:
        raise _failure(answer)
    snapshot = snapshot_of(content)
    return ProviderResponse(snapshot=snapshot, word=snapshot.word, raw=answer.content)


def _failure(answer: HttpAnswer, *, otherwise: str = "") -> ProviderError:
    """Say what a status means by itself; no source lists them."""
    code = f"http_{answer.status}"
    if answer.status in _REFUSALS:
        return ProviderRefusesUs(code)
    if answer.status == httpx.codes.NOT_FOUND:
        return ReferenceUnknown(code)
    if answer.status == httpx.codes.GONE:
        return ReferenceUnknown(code, gone=True)
    is_success = httpx.codes.is_success(answer.status)
    return ProviderUnavailable(otherwise if is_success else code, retry_after=answer.retry_after())


def _refuse_other_than_success(response: httpx.Response, artifact: Artifact) -> None:
    code = response.status_code
    if code in _REFUSALS:
        raise ProviderRefusesUs(f"http_{code}")
    if code == httpx.codes.GONE:
        raise ArtifactLost(LossReason.GONE)
    if code == httpx.codes.NOT_FOUND and artifact.kind is not EvidenceKind.CALL_RECORDING:
        raise ArtifactLost(LossReason.NEVER_CAPTURED)
    # unknown: how a recording that is not ready yet is answered
    if code in _NOT_YET or code == httpx.codes.NOT_FOUND:
        raise ArtifactNotReady(f"http_{code}", otherwise=LossReason.GONE)
    if code != httpx.codes.OK:
        raise ProviderUnavailable(f"http_{code}", retry_after=retry_after_of(response.headers))
