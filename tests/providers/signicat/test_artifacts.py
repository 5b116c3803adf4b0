"""Downloading: only whole, only what a name promises, and patience only where a file may still come."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.providers.raw_server import Answer, ChunkedResponse, HangUp, Response, Stall, json_response
from tests.providers.signicat.fake_signicat import FakeSignicat
from tests.providers.signicat.samples import PLACE, QUESTION, settings
from vigil.domain.errors import (
    ArtifactError,
    ArtifactLost,
    ArtifactNotReady,
    ArtifactSpoiled,
    ProviderError,
    ProviderRefusesUs,
    ProviderUnavailable,
    ReferenceUnknown,
)
from vigil.domain.snapshot import Artifact, ReadRequest
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.domain.verification_key import VerificationKey
from vigil.providers.downloads import detect_media_type, peek
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.reader import SignicatReader

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 500
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(500)
MOV = b"\x00\x00\x00\x14ftypqt  " + bytes(500)
ZIP = b"PK\x03\x04" + bytes(500)

PATHS = {
    "image-front": "/images?depiction=front",
    "image-back": "/images?depiction=back",
    "image-selfie": "/images?depiction=selfie",
    "image-portrait": "/images?depiction=portrait",
    "video": "/video",
    "bundle": "/download",
    "raw": "/raw",
}


def artifact(name: str) -> Artifact:
    return Artifact(name=name, kind=EvidenceKind.DOCUMENT_FRONT, locator=name)


async def download(reader: SignicatReader, name: str, question: ReadRequest = QUESTION) -> tuple[bytes, str | None]:
    async with reader.open_artifact(question, artifact(name), None) as stream:
        return b"".join([chunk async for chunk in stream.chunks]), stream.media_type


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("image-front", JPEG, "image/jpeg"),
        ("image-back", PNG, "image/png"),
        ("image-selfie", JPEG, "image/jpeg"),
        ("image-portrait", JPEG, "image/jpeg"),
        ("video", MP4, "video/mp4"),
        ("video", MOV, "video/quicktime"),
        ("bundle", ZIP, "application/zip"),
        ("raw", b'  {"any": "thing"}', "application/json"),
        ("raw", b"[]", "application/json"),
    ],
)
async def test_a_file_comes_whole_with_the_type_that_its_first_bytes_report(
    signicat: FakeSignicat, reader: SignicatReader, name: str, content: bytes, media_type: str
) -> None:
    signicat.held[PLACE + PATHS[name]] = Response(200, content, {"Content-Type": "application/octet-stream"})

    assert await download(reader, name) == (content, media_type)
    assert signicat.accepted_encodings == ["identity"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("image-front", b'{"status": 200, "detail": "of a person"}'),
        ("image-front", b"<html><body>Sorry</body></html>"),
        ("image-front", ZIP),
        ("image-front", b""),
        ("image-front", b"\xff\xd8"),
        ("video", JPEG),
        ("bundle", b'{"status": "processing"}'),
        ("raw", b"<html>"),
        ("raw", JPEG),
    ],
)
async def test_something_else_under_the_name_of_a_file_is_never_stored(
    signicat: FakeSignicat, reader: SignicatReader, name: str, content: bytes
) -> None:
    signicat.held[PLACE + PATHS[name]] = Response(200, content, {"Content-Type": "image/jpeg"})

    with pytest.raises(ArtifactSpoiled, match=r"^wrong_type$") as caught:
        await download(reader, name)

    assert caught.value.loss is LossReason.WRONG_TYPE


LATER: list[tuple[str, int, LossReason | None]] = [
    ("image-front", 409, None),
    ("video", 404, LossReason.NEVER_CAPTURED),
    ("bundle", 204, None),
    ("raw", 204, None),
]


@pytest.mark.parametrize(("name", "status", "otherwise"), LATER)
async def test_a_file_that_may_still_come_is_waited_for(
    signicat: FakeSignicat, reader: SignicatReader, name: str, status: int, otherwise: LossReason | None
) -> None:
    signicat.held[PLACE + PATHS[name]] = Response(status)

    with pytest.raises(ArtifactNotReady, match=f"^http_{status}$") as caught:
        await download(reader, name)

    assert caught.value.otherwise is otherwise


@pytest.mark.parametrize(
    ("name", "status", "loss"),
    [
        ("image-front", 400, "never_captured"),
        ("image-front", 404, "never_captured"),
        ("image-front", 403, "refused"),
        ("image-front", 410, "gone"),
        ("video", 400, "never_captured"),
        ("video", 403, "refused"),
        ("bundle", 400, "never_captured"),
        ("bundle", 404, "gone"),
        ("bundle", 403, "refused"),
        ("raw", 400, "never_captured"),
        ("raw", 404, "gone"),
        ("raw", 403, "refused"),
    ],
)
async def test_a_file_that_will_not_come_says_why(
    signicat: FakeSignicat, reader: SignicatReader, name: str, status: int, loss: str
) -> None:
    signicat.held[PLACE + PATHS[name]] = json_response({"detail": "of a person"}, status)

    with pytest.raises(ArtifactLost, match=f"^{loss}$"):
        await download(reader, name)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(206, JPEG), "http_206"),
        (Response(302, headers={"Location": "https://elsewhere.example/"}), "http_302"),
        (Response(429), "http_429"),
        (Response(500), "http_500"),
        (Stall(), "read_timeout"),
        (HangUp(), "connection_lost"),
    ],
)
async def test_an_answer_that_may_heal_is_unavailable(
    signicat: FakeSignicat, reader: SignicatReader, name: str, answer: Answer, code: str
) -> None:
    signicat.held[PLACE + PATHS[name]] = answer

    with pytest.raises(ProviderUnavailable, match=f"^{code}$"):
        await download(reader, name)


async def test_a_download_that_is_cut_is_asked_for_again(signicat: FakeSignicat, reader: SignicatReader) -> None:
    signicat.held[PLACE + PATHS["image-front"]] = Response(200, JPEG[:-1], announced=len(JPEG))

    with pytest.raises(ProviderUnavailable, match=r"^cut_short$"):
        await download(reader, "image-front")


@pytest.mark.parametrize("kind", [Response, ChunkedResponse])
async def test_a_file_beyond_the_cap_is_lost(
    signicat: FakeSignicat, http: httpx.AsyncClient, kind: type[Response]
) -> None:
    given = settings(base_url=signicat.base_url, largest_artifact=len(JPEG) - 1)
    signicat.held[PLACE + PATHS["image-front"]] = kind(200, JPEG)

    with pytest.raises(ArtifactLost, match=r"^too_large$"):
        await download(SignicatReader(given, AssureApi(given, http)), "image-front")


async def test_a_token_that_died_early_costs_a_download_one_login(
    signicat: FakeSignicat, reader: SignicatReader
) -> None:
    signicat.held[PLACE + PATHS["image-front"]] = Response(200, JPEG)
    await reader.check_login()
    signicat.expire_all_tokens()

    assert await download(reader, "image-front") == (JPEG, "image/jpeg")
    assert signicat.logins == 2


async def test_a_second_401_in_a_row_is_a_refusal(signicat: FakeSignicat, reader: SignicatReader) -> None:
    signicat.will_answer("/assure" + PLACE + "/video", Response(401), Response(401))

    with pytest.raises(ProviderRefusesUs, match=r"^http_401$"):
        await download(reader, "video")


@pytest.mark.parametrize("name", ["image-hologram", "unlisted", "../../all"])
async def test_a_name_that_no_process_has_is_not_asked_for(
    signicat: FakeSignicat, reader: SignicatReader, name: str
) -> None:
    asked = Artifact.model_construct(name=name, kind=EvidenceKind.DOCUMENT_FRONT, locator=name)

    with pytest.raises(ArtifactError, match=r"^not_listed$"):
        async with reader.open_artifact(QUESTION, asked, None):
            pass

    assert signicat.asked == []


async def test_a_file_of_no_reference_of_ours_is_not_asked_for(signicat: FakeSignicat, reader: SignicatReader) -> None:
    question = ReadRequest(key=VerificationKey(account="assure", reference="../..:x"))

    with pytest.raises(ProviderError) as caught:
        await download(reader, "bundle", question)

    assert isinstance(caught.value, ReferenceUnknown)
    assert signicat.asked == []


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"....ftypisom", "video/mp4"),
        (b"....ftypqt  ", "video/quicktime"),
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x05\x06", "application/zip"),
        (b"\xff\xd8", None),
        (b"GIF89a", None),
        (b"%PDF-1.7", None),
        (b"<html><body>", None),
        (b"{}", None),
        (b"", None),
    ],
)
def test_first_bytes_show_a_type(head: bytes, media_type: str | None) -> None:
    assert detect_media_type(head) == media_type


@pytest.mark.parametrize(
    ("chunks", "head"),
    [
        ([b"a", b"b", b"cdefghijklmno", b"p"], b"abcdefghijklmno"),
        ([b"short"], b"short"),
        ([], b""),
    ],
)
async def test_a_head_is_reported_however_the_file_is_cut(chunks: list[bytes], head: bytes) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    found, again = await peek(drip())

    assert found == head
    assert b"".join([chunk async for chunk in again]) == b"".join(chunks)
