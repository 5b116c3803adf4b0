"""Downloads: each file has its own address, its bytes give its type, and no message is taken for a file."""

import json

import httpx
import pytest

from tests.providers.identomat.fake_identomat import COMPANY_KEY, FakeIdentomat
from tests.providers.identomat.samples import QUESTION, SESSION, settings
from tests.providers.raw_server import Answer, ChunkedResponse, HangUp, Response, Stall, json_response
from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ProviderError,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
)
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.identomat.reader import IdentomatReader
from vigil.providers.identomat.result import snapshot_of

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 100
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 1000
ZIP = b"PK\x03\x04" + bytes(range(256)) * 100
WEBM = b"\x1aE\xdf\xa3" + bytes(range(256)) * 100

FRONT = Artifact(name="card-front", kind=EvidenceKind.DOCUMENT_FRONT, locator="card-front")
CALL = Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1")


async def download(reader: IdentomatReader, artifact: Artifact) -> tuple[bytes, str | None]:
    async with reader.open_artifact(QUESTION, artifact, None) as stream:
        return b"".join([chunk async for chunk in stream.chunks]), stream.media_type


def file_response(body: bytes, declared: str = "") -> Response:
    return Response(200, body, {"Content-Type": declared} if declared else {})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("card-front", EvidenceKind.DOCUMENT_FRONT),
        ("card-back", EvidenceKind.DOCUMENT_BACK),
        ("passport", EvidenceKind.DOCUMENT_FRONT),
        ("face", EvidenceKind.SELFIE),
        ("face-video", EvidenceKind.LIVENESS_VIDEO),
    ],
)
async def test_a_picture_is_asked_for_at_its_own_address(
    identomat: FakeIdentomat, reader: IdentomatReader, name: str, kind: EvidenceKind
) -> None:
    identomat.pictures[f"/result/{name}/"] = file_response(JPEG, "image/jpeg")

    assert await download(reader, Artifact(name=name, kind=kind, locator=name)) == (JPEG, "image/jpeg")
    assert identomat.asked == [f"POST /result/{name}/"]
    assert identomat.fields == [{"company_key": COMPANY_KEY, "session_token": SESSION}]


async def test_a_recording_is_asked_for_alone_by_its_file(identomat: FakeIdentomat, reader: IdentomatReader) -> None:
    identomat.recordings["vf-1"] = file_response(MP4)

    assert await download(reader, CALL) == (MP4, "video/mp4")
    assert identomat.asked == ["POST /get-video-call-videos/"]
    assert identomat.fields == [{"company_key": COMPANY_KEY, "session_token": SESSION, "fileId": "vf-1"}]


@pytest.mark.parametrize(
    ("body", "declared", "media_type"),
    [
        (JPEG, "image/jpeg", "image/jpeg"),
        (JPEG, "", "image/jpeg"),
        (JPEG, "application/json", "image/jpeg"),
        (PNG, "image/jpeg", "image/png"),
        (MP4, "application/octet-stream", "video/mp4"),
        (ZIP, "video/mp4", "application/zip"),
        (WEBM, "Video/WebM; codecs=vp8", "video/webm"),
        (WEBM, "", "application/octet-stream"),
    ],
)
async def test_the_bytes_report_more_than_the_header(
    identomat: FakeIdentomat, reader: IdentomatReader, body: bytes, declared: str, media_type: str
) -> None:
    identomat.recordings["vf-1"] = file_response(body, declared)

    assert await download(reader, CALL) == (body, media_type)


MESSAGES: dict[str, tuple[Answer, type[ProviderError], LossReason | None]] = {
    "argument error": (json_response({"argumentError": "fileId"}), ArtifactLost, LossReason.REFUSED),
    "argument error as a picture": (
        Response(200, json.dumps({"argumentError": "x"}).encode(), {"Content-Type": "image/jpeg"}),
        ArtifactLost,
        LossReason.REFUSED,
    ),
    "session not found": (json_response("SESSION_NOT_FOUND"), ReferenceUnknown, None),
    "links": (json_response({"videos": ["https://elsewhere.example/a.mp4"]}), ArtifactNotReady, LossReason.WRONG_TYPE),
    "a list": (json_response([]), ArtifactNotReady, LossReason.WRONG_TYPE),
    "half a message": (file_response(b'{"argumentErr', "application/json"), ArtifactNotReady, LossReason.WRONG_TYPE),
    "JSON without end": (file_response(b"[" + b" " * 100_000, "video/mp4"), ArtifactNotReady, LossReason.WRONG_TYPE),
    "a page": (file_response(b"<!doctype html>", "text/html"), ArtifactNotReady, LossReason.WRONG_TYPE),
    "a page as a picture": (file_response(b"\n <html>", "image/jpeg"), ArtifactNotReady, LossReason.WRONG_TYPE),
    "words": (file_response(b"please wait a bit", "text/plain"), ArtifactNotReady, LossReason.WRONG_TYPE),
    "nothing": (file_response(b"", "image/jpeg"), ArtifactNotReady, LossReason.WRONG_TYPE),
}


@pytest.mark.parametrize("artifact", [FRONT, CALL], ids=["picture", "recording"])
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
async def test_a_message_is_never_taken_for_a_file(
    identomat: FakeIdentomat,
    reader: IdentomatReader,
    artifact: Artifact,
    message: tuple[Answer, type[ProviderError], LossReason | None],
) -> None:
    answer, error, loss = message
    identomat.pictures["/result/card-front/"] = identomat.recordings["vf-1"] = answer

    with pytest.raises(ProviderError) as caught:
        await download(reader, artifact)

    assert type(caught.value) is error
    assert getattr(caught.value, "loss", getattr(caught.value, "otherwise", None)) is loss


STATUSES: dict[int, tuple[type[ProviderError], str]] = {
    202: (ArtifactNotReady, "http_202"),
    204: (ArtifactNotReady, "http_204"),
    302: (ProviderUnavailable, "http_302"),
    400: (ProviderUnavailable, "http_400"),
    401: (ProviderRefusesUs, "http_401"),
    403: (ProviderRefusesUs, "http_403"),
    410: (ArtifactLost, "gone"),
    425: (ArtifactNotReady, "http_425"),
    429: (ProviderUnavailable, "http_429"),
    500: (ProviderUnavailable, "http_500"),
}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
async def test_a_status_shows_whether_the_file_may_still_come(
    identomat: FakeIdentomat, reader: IdentomatReader, status: int, expected: tuple[type[ProviderError], str]
) -> None:
    identomat.recordings["vf-1"] = Response(status, b"" if status == 204 else MP4, {"Location": "http://127.0.0.1:1/"})

    with pytest.raises(ProviderError) as caught:
        await download(reader, CALL)

    assert (type(caught.value), caught.value.code) == expected
    assert len(identomat.asked) == 1


async def test_a_picture_that_was_never_taken_is_lost_at_once(reader: IdentomatReader) -> None:
    with pytest.raises(ArtifactLost, match=r"^never_captured$"):
        await download(reader, FRONT)


async def test_a_recording_that_is_not_there_may_still_come(reader: IdentomatReader) -> None:
    with pytest.raises(ArtifactNotReady) as caught:
        await download(reader, CALL)

    assert (caught.value.code, caught.value.otherwise) == ("http_404", LossReason.NOT_DELIVERED)


async def test_a_name_that_we_never_listed_is_not_asked_for(identomat: FakeIdentomat, reader: IdentomatReader) -> None:
    strange = Artifact(name="x", kind=EvidenceKind.SELFIE, locator="..")

    with pytest.raises(ArtifactNotReady, match="not_listed"):
        await download(reader, strange)

    assert identomat.asked == []


@pytest.mark.parametrize("kind", [Response, ChunkedResponse])
@pytest.mark.parametrize(("artifact", "largest"), [(FRONT, "largest_image"), (CALL, "largest_artifact")])
async def test_no_more_is_taken_than_the_settings_say(
    identomat: FakeIdentomat, http: httpx.AsyncClient, kind: type[Response], artifact: Artifact, largest: str
) -> None:
    identomat.pictures["/result/card-front/"] = identomat.recordings["vf-1"] = kind(200, MP4)

    just = IdentomatReader(settings(base_url=identomat.base_url, **{largest: len(MP4)}), http)
    less = IdentomatReader(settings(base_url=identomat.base_url, **{largest: len(MP4) - 1}), http)

    assert await download(just, artifact) == (MP4, "video/mp4")
    with pytest.raises(ArtifactLost, match=r"^too_large$"):
        await download(less, artifact)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Stall(), "read_timeout"),
        (HangUp(), "connection_lost"),
        (Response(200, MP4[:-1], announced=len(MP4)), "cut_short"),
    ],
)
async def test_a_file_that_does_not_come_whole_does_not_come(
    identomat: FakeIdentomat, reader: IdentomatReader, answer: Answer, code: str
) -> None:
    identomat.recordings["vf-1"] = answer

    with pytest.raises(ProviderUnavailable) as caught:
        await download(reader, CALL)

    assert (caught.value.code, len(identomat.asked)) == (code, 1)


ELSEWHERE = "http://elsewhere.example/a.mp4"


@pytest.mark.parametrize(
    "calls",
    [
        {"roomId": "room-1", "roomStatus": "ended", "videoFileStatus": "available", "videoFileId": ELSEWHERE},
        {"roomId": "room-1", "videoFileId": "../../begin", "recordingUrl": ELSEWHERE},
        {"roomId": "room-1", "videoFileId": "elsewhere.example", "links": [{"href": ELSEWHERE, "fileId": "vf-2"}]},
        [ELSEWHERE, {"fileId": "@elsewhere.example"}],
    ],
    ids=str,
)
async def test_no_answer_leads_to_another_host_or_path(calls: object) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": ELSEWHERE})

    artifacts = snapshot_of({"result": "approved", "links": [ELSEWHERE], "videoCallStatus": calls}).artifacts
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True) as http:
        reader = IdentomatReader(settings(base_url="https://identomat.example/api"), http)
        for artifact in (*artifacts, CALL.model_copy(update={"locator": ELSEWHERE})):
            with pytest.raises(ProviderUnavailable, match=r"^http_302$"):
                await download(reader, artifact)

    assert set(asked) == {"https://identomat.example/api/get-video-call-videos/"}
