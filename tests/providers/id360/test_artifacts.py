"""Downloading: only from ID360, only whole, only what was promised."""

import base64
import hashlib
from collections.abc import Mapping

import httpx
import pytest

from tests.providers.id360.fake_id360 import FakeId360
from tests.providers.id360.samples import QUESTION, settings, with_file
from tests.providers.raw_server import Answer, ChunkedResponse, HangUp, Response, Stall, SteadyClock
from vigil.domain.errors import (
    ArtifactLost,
    ArtifactNotReady,
    ArtifactSpoiled,
    ProviderError,
    ProviderRefusesUs,
    ProviderUnavailable,
)
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.id360.reader import Id360Reader

FILE = Artifact(name="id_document_image-0", kind=EvidenceKind.DOCUMENT_FRONT, locator="id_document_image-0")
PICTURE = bytes(range(256)) * 2000
MD5 = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()
PATH = "/api/1.0.0/document/9/file_contents/"


async def download(reader: Id360Reader, result: bytes | None) -> bytes:
    async with reader.open_artifact(QUESTION, FILE, result) as stream:
        return b"".join([chunk async for chunk in stream.chunks])


def picture_response(**headers: str) -> Response:
    return Response(200, PICTURE, {"Content-Type": "image/jpeg"} | headers)


async def test_a_file_comes_whole_with_its_type(id360: FakeId360, reader: Id360Reader) -> None:
    id360.files["9"] = picture_response()

    async with reader.open_artifact(QUESTION, FILE, with_file(id360.link("9"), digest=MD5)) as stream:
        content = b"".join([chunk async for chunk in stream.chunks])

    assert (content, stream.media_type) == (PICTURE, "image/jpeg")


@pytest.mark.parametrize(
    ("digest", "algorithm"),
    [
        (MD5.upper(), "md5"),
        (hashlib.sha256(PICTURE).hexdigest(), "SHA-256"),
        (hashlib.sha256(PICTURE).hexdigest(), "SHA256"),
        (hashlib.sha3_256(PICTURE).hexdigest(), "SHA3-256"),
        ("", "MD5"),
        (None, "MD5"),
        (MD5, None),
        ("whatever", "CRC-9000"),
        ("whatever", "shake_128"),
    ],
)
async def test_a_file_is_taken_whose_hash_fits_or_cannot_be_checked(
    id360: FakeId360, reader: Id360Reader, digest: str | None, algorithm: str | None
) -> None:
    id360.files["9"] = picture_response()

    assert await download(reader, with_file(id360.link("9"), digest=digest, algorithm=algorithm)) == PICTURE


@pytest.mark.parametrize(
    ("digest", "algorithm"),
    [
        ("0" * 32, "MD5"),
        ("0" * 64, "SHA-256"),
        ("0" * 64, "SHA256"),
        ("0" * 64, "SHA3-256"),
        (base64.b64encode(b"?").decode(), "MD5"),
    ],
)
async def test_a_file_with_another_hash_is_spoiled(
    id360: FakeId360, reader: Id360Reader, digest: str, algorithm: str
) -> None:
    id360.files["9"] = picture_response()

    with pytest.raises(ArtifactSpoiled) as caught:
        await download(reader, with_file(id360.link("9"), digest=digest, algorithm=algorithm))

    assert caught.value.loss is LossReason.HASH_MISMATCH


@pytest.mark.parametrize("digest", [MD5, None])
async def test_a_download_that_is_cut_is_asked_for_again(
    id360: FakeId360, reader: Id360Reader, digest: str | None
) -> None:
    id360.files["9"] = Response(200, PICTURE[:-1], announced=len(PICTURE))

    with pytest.raises(ProviderUnavailable, match=r"^cut_short$"):
        await download(reader, with_file(id360.link("9"), digest=digest))


FAILURES: Mapping[str, tuple[Answer, type[ProviderError], str]] = {
    "202": (Response(202), ArtifactNotReady, "http_202"),
    "204": (Response(204), ArtifactNotReady, "http_204"),
    "206": (Response(206, b"part"), ProviderUnavailable, "http_206"),
    "302": (Response(302, headers={"Location": "https://elsewhere.example/"}), ProviderUnavailable, "http_302"),
    "403": (Response(403), ArtifactLost, "refused"),
    "404": (Response(404), ArtifactLost, "gone"),
    "410": (Response(410), ArtifactLost, "gone"),
    "429": (Response(429), ProviderUnavailable, "http_429"),
    "500": (Response(500), ProviderUnavailable, "http_500"),
    "a page": (Response(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"}), ArtifactSpoiled, "html"),
    "silence": (Stall(), ProviderUnavailable, "read_timeout"),
    "reset": (HangUp(), ProviderUnavailable, "connection_lost"),
}


@pytest.mark.parametrize(("answer", "kind", "code"), FAILURES.values(), ids=FAILURES.keys())
async def test_another_answer_than_the_file_says_what_to_do(
    id360: FakeId360, reader: Id360Reader, answer: Answer, kind: type[ProviderError], code: str
) -> None:
    id360.will_answer(PATH, answer)

    with pytest.raises(kind, match=f"^{code}$"):
        await download(reader, with_file(id360.link("9")))


async def test_a_token_that_died_early_costs_a_download_one_login(id360: FakeId360, reader: Id360Reader) -> None:
    id360.files["9"] = picture_response()
    await reader.check_login()
    id360.expire_all_tokens()

    assert await download(reader, with_file(id360.link("9"), digest=MD5)) == PICTURE
    assert id360.logins == 2


async def test_a_second_401_in_a_row_is_a_refusal(id360: FakeId360, reader: Id360Reader) -> None:
    id360.will_answer(PATH, Response(401), Response(401))

    with pytest.raises(ProviderRefusesUs, match=r"^http_401$"):
        await download(reader, with_file(id360.link("9")))


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_file_beyond_the_cap_is_lost(
    id360: FakeId360, http: httpx.AsyncClient, clock: SteadyClock, *, says_so: bool
) -> None:
    reader = Id360Reader(settings(base_url=id360.base_url, largest_artifact=len(PICTURE) - 1), http, clock=clock)
    id360.files["9"] = picture_response() if says_so else ChunkedResponse(200, PICTURE)

    with pytest.raises(ArtifactLost) as caught:
        await download(reader, with_file(id360.link("9")))

    assert caught.value.loss is LossReason.TOO_LARGE


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/file",
        "//elsewhere.example/file",
        "https://127.0.0.1/api/1.0.0/document/9/file_contents/",
        "http://127.0.0.1:1/api/1.0.0/document/9/file_contents/",
        "http://localhost:{port}/api/1.0.0/document/9/file_contents/",
        "http://127.0.0.1:{port}@elsewhere.example/",
        "http://someone:pw@127.0.0.1:{port}/api/1.0.0/document/9/file_contents/",
        "file:///etc/passwd",
        "http://[broken",
        "http://\x00/",
    ],
)
async def test_our_token_goes_to_no_other_address(id360: FakeId360, reader: Id360Reader, link: str) -> None:
    port = id360.base_url.rpartition(":")[2]

    with pytest.raises(ArtifactLost) as caught:
        await download(reader, with_file(link.replace("{port}", port)))

    assert caught.value.loss is LossReason.REFUSED
    assert id360.asked == []


async def test_a_link_without_an_address_is_one_at_the_account(id360: FakeId360, reader: Id360Reader) -> None:
    id360.files["9"] = picture_response()

    assert await download(reader, with_file(PATH + "?page_number=0", digest=MD5)) == PICTURE


@pytest.mark.parametrize("result", [None, b"", b"[]", b'{"documents": {}}'])
async def test_a_file_that_the_result_does_not_list_is_not_ready(reader: Id360Reader, result: bytes | None) -> None:
    with pytest.raises(ArtifactNotReady, match=r"^not_listed$"):
        await download(reader, result)


async def test_what_goes_wrong_with_the_receiver_of_a_file_stays_its_own(id360: FakeId360, reader: Id360Reader) -> None:
    id360.files["9"] = picture_response()

    with pytest.raises(TimeoutError, match="the disk is slow"):
        async with reader.open_artifact(QUESTION, FILE, with_file(id360.link("9"))):
            raise TimeoutError("the disk is slow")
