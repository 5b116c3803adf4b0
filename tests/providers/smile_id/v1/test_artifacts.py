"""The files of a job: listed by name, fetched by links that are made anew, and never from a place of ours."""

import base64
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import Answer, Response
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v1.samples import JOB, USER, frame, question, result, settings, snapshot
from vigil.domain.errors import ArtifactError, ArtifactLost, ArtifactNotReady, ArtifactSpoiled, ProviderUnavailable
from vigil.domain.snapshot import Artifact, Drift
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v1.reader import SmileV1Reader

JPEG = b"\xff\xd8\xff\xe0 an invented selfie"
PDF = b"%PDF-1.7 an invented receipt"
SELFIE = Artifact(name="selfie", kind=EvidenceKind.SELFIE, locator="selfie")
RECEIPT = Artifact(name="kyc-receipt", kind=EvidenceKind.RECEIPT, locator="kyc-receipt")
PHOTO = Artifact(name="photo", kind=EvidenceKind.PORTRAIT, locator="photo")


def job(**more: Any) -> dict[str, Any]:
    return frame(result("0810", 6, **more))


async def download(reader: SmileV1Reader, artifact: Artifact) -> tuple[bytes, str | None]:
    async with reader.open_artifact(question(6), artifact, b"{}") as stream:
        return b"".join([chunk async for chunk in stream.chunks]), stream.media_type


def list_files(content: dict[str, Any]) -> dict[str, str]:
    return {each.name: each.kind for each in snapshot(content).artifacts}


def test_files_are_listed_wherever_an_answer_holds_them() -> None:
    links = {"selfie_image": "https://a", "id_card_image": "https://b", "id_card_back": "https://c"}

    assert list_files(job(ImageLinks=links, KYCReceipt="https://d", Document="aW52ZW50ZWQ=")) == {
        "selfie": EvidenceKind.SELFIE,
        "id-card-front": EvidenceKind.DOCUMENT_FRONT,
        "id-card-back": EvidenceKind.DOCUMENT_BACK,
        "kyc-receipt": EvidenceKind.RECEIPT,
        "document": EvidenceKind.DOCUMENT_FRONT,
    }
    assert list_files(job() | {"image_links": links, "kyc_receipt": "https://d", "kyb_receipt": "https://e"}) == {
        "selfie": EvidenceKind.SELFIE,
        "id-card-front": EvidenceKind.DOCUMENT_FRONT,
        "id-card-back": EvidenceKind.DOCUMENT_BACK,
        "kyc-receipt": EvidenceKind.RECEIPT,
        "kyb-receipt": EvidenceKind.RECEIPT,
    }
    assert list_files(job(documents={"search_certificate": "https://f"}, Photo="aW52ZW50ZWQ=")) == {
        "search-certificate": EvidenceKind.SUPPORTING_DOCUMENT,
        "photo": EvidenceKind.PORTRAIT,
    }


@pytest.mark.parametrize("absent", ["Not Available", "not available", "", " ", None, 5, ["aW52ZW50ZWQ="]])
def test_what_is_not_there_is_not_listed(absent: object) -> None:
    assert list_files(job(Photo=absent, KYCReceipt=absent, ImageLinks={"selfie_image": absent})) == {}


@pytest.mark.parametrize(("name", "value"), [("error", "error"), ("mugshot", "mugshot"), ("a b", None)])
def test_a_link_that_no_table_knows_is_named(name: str, value: str | None) -> None:
    found = snapshot(job() | {"image_links": {name: "https://a"}})

    assert found.artifacts == ()
    assert found.unrecognised == (Drift(field="image_links", value=value),)


async def test_a_picture_is_fetched_by_a_link_that_was_made_anew(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[USER, JOB] = job()
    smile.links = {"selfie_image": f"{smile.base_url}/storage/selfie?sig=fresh"}
    smile.files["/storage/selfie?sig=fresh"] = Response(200, JPEG)

    assert await download(reader, SELFIE) == (JPEG, "image/jpeg")
    assert smile.questions[-1]["image_links"] is True
    assert "authorization" not in smile.file_headers[0]


async def test_a_receipt_is_a_file_of_its_own_type(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[USER, JOB] = job(KYCReceipt=f"{smile.base_url}/storage/receipt")
    smile.files["/storage/receipt"] = Response(200, PDF)

    assert await download(reader, RECEIPT) == (PDF, "application/pdf")


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(JPEG).decode(),
        "data:image/jpeg;base64," + base64.b64encode(JPEG).decode(),
        "\n".join(base64.encodebytes(JPEG * 9).decode().splitlines()),
    ],
)
async def test_a_picture_inside_the_answer_is_a_file_too(smile: FakeSmileId, reader: SmileV1Reader, text: str) -> None:
    smile.jobs[USER, JOB] = job(Photo=text)

    content, media_type = await download(reader, PHOTO)

    assert content in {JPEG, JPEG * 9}
    assert media_type == "image/jpeg"


async def test_a_picture_of_a_megabyte_inside_the_history_comes_whole(
    smile: FakeSmileId, reader: SmileV1Reader
) -> None:
    picture = JPEG + b"x" * 1_100_000
    smile.jobs[USER, JOB] = job() | {"history": [result("1012", 6, Photo=base64.b64encode(picture).decode())]}

    assert await download(reader, PHOTO) == (picture, "image/jpeg")


async def test_what_is_not_base64_is_spoiled(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[USER, JOB] = job(Photo="*** no picture ***")

    with pytest.raises(ArtifactSpoiled) as caught:
        await download(reader, PHOTO)

    assert caught.value.loss is LossReason.WRONG_TYPE


@pytest.mark.parametrize("artifact", [SELFIE, RECEIPT, PHOTO])
async def test_a_file_that_the_answer_no_longer_holds_may_come_back_or_is_gone(
    smile: FakeSmileId, reader: SmileV1Reader, artifact: Artifact
) -> None:
    smile.jobs[USER, JOB] = job()

    with pytest.raises(ArtifactNotReady) as caught:
        await download(reader, artifact)

    assert caught.value.otherwise is LossReason.GONE


@pytest.mark.parametrize(
    ("answer", "otherwise"),
    [
        (Response(403), LossReason.LINK_EXPIRED),
        (Response(410), LossReason.LINK_EXPIRED),
        (Response(404), LossReason.GONE),
    ],
)
async def test_a_fresh_link_that_does_not_work_is_made_anew_for_a_while(
    smile: FakeSmileId, reader: SmileV1Reader, answer: Answer, otherwise: LossReason
) -> None:
    smile.jobs[USER, JOB] = job(ImageLinks={"selfie_image": f"{smile.base_url}/storage/selfie"})
    smile.files["/storage/selfie"] = answer

    with pytest.raises(ArtifactNotReady) as caught:
        await download(reader, SELFIE)

    assert caught.value.otherwise is otherwise


async def test_storage_that_fails_is_asked_again(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    smile.jobs[USER, JOB] = job(ImageLinks={"selfie_image": f"{smile.base_url}/storage/selfie"})
    smile.files["/storage/selfie"] = Response(503)

    with pytest.raises(ProviderUnavailable):
        await download(reader, SELFIE)


async def test_a_file_that_is_no_file_of_ours_is_never_there(reader: SmileV1Reader) -> None:
    with pytest.raises(ArtifactLost):
        await download(reader, SELFIE.model_copy(update={"locator": "../secrets"}))


async def public(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34"]


async def private(host: str, port: int) -> Sequence[str]:
    return ["10.0.0.7"]


@pytest.mark.parametrize(
    "link",
    [
        "http://files.example/selfie",
        "ftp://files.example/selfie",
        "file:///etc/passwd",
        "https://someone:secret@files.example/selfie",
        "https://elsewhere.example/selfie",
        "http://127.0.0.1:1/selfie",
        "https:///selfie",
        "https://[broken/selfie",
        "selfie",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(
    smile: FakeSmileId, http: httpx.AsyncClient, link: str
) -> None:
    own = settings(base_url=smile.base_url, artifact_hosts=["files.example"])
    smile.jobs[USER, JOB] = job(ImageLinks={"selfie_image": link})

    with pytest.raises(ArtifactError) as caught:
        await download(SmileV1Reader(own, http, Links(own, http, resolve=public)), SELFIE)

    assert caught.value.code == "refused"


async def test_a_public_name_that_leads_into_a_private_network_is_not_followed(
    smile: FakeSmileId, http: httpx.AsyncClient
) -> None:
    own = settings(base_url=smile.base_url)
    smile.jobs[USER, JOB] = job(ImageLinks={"selfie_image": "https://files.example/selfie"})

    with pytest.raises(ArtifactLost) as caught:
        await download(SmileV1Reader(own, http, Links(own, http, resolve=private)), SELFIE)

    assert caught.value.loss is LossReason.REFUSED


async def test_no_picture_is_taken_from_an_answer_about_another_job(smile: FakeSmileId, reader: SmileV1Reader) -> None:
    other = {"job_id": "chk-9999", "user_id": USER, "job_type": 6}
    smile.jobs[(USER, JOB)] = job(Photo=base64.b64encode(JPEG).decode(), PartnerParams=other)

    with pytest.raises(ArtifactNotReady, match="other_job"):
        await download(reader, PHOTO)
