"""Files behind links: only allowed links are followed, and the first bytes give the type."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import Answer, HangUp, Response, Stall
from tests.providers.smile_id.v3.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v3.samples import QUESTION, attention, settings, status
from vigil.domain.errors import ArtifactError, ArtifactLost, ArtifactSpoiled, ProviderError, ProviderUnavailable
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v3.reader import SmileV3Reader

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 100
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
PDF = b"%PDF-1.7" + bytes(range(256)) * 100
SELFIE = Artifact(name="selfie", kind=EvidenceKind.SELFIE, locator="selfie_image")
RECEIPT = Artifact(name="kyc-receipt", kind=EvidenceKind.RECEIPT, locator="kyc_receipt")
VISA = Artifact(name="additional-document-1", kind=EvidenceKind.SUPPORTING_DOCUMENT, locator="additional_documents.1")


def result(base_url: str, **changes: Any) -> bytes:
    body = attention(
        image_links={"selfie_image": f"{base_url}/storage/selfie?sig=x%2By"},
        kyc_receipt=f"{base_url}/storage/receipt",
        additional_documents=[{"image_link": f"{base_url}/storage/visa"}],
    )
    return json.dumps({"status": status("attention"), "callback": body | changes}).encode()


async def download(reader: SmileV3Reader, artifact: Artifact, stored: bytes | None) -> tuple[bytes, str | None]:
    async with reader.open_artifact(QUESTION, artifact, stored) as stream:
        return b"".join([chunk async for chunk in stream.chunks]), stream.media_type


async def failure(reader: SmileV3Reader, artifact: Artifact, stored: bytes | None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await download(reader, artifact, stored)
    return caught.value


async def test_a_picture_is_taken_from_its_link_without_any_credentials(
    smile_id: FakeSmileId, reader: SmileV3Reader
) -> None:
    smile_id.held["/storage/selfie"] = Response(200, JPEG, {"Content-Type": "binary/octet-stream"})

    assert await download(reader, SELFIE, result(smile_id.base_url)) == (JPEG, "image/jpeg")
    assert smile_id.asked == ["GET /storage/selfie?sig=x%2By"]
    assert not {"smileid-token", "smileid-api-key", "authorization"} & smile_id.headers_of_files[0].keys()


async def test_a_further_document_is_taken_from_its_own_link(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held["/storage/visa"] = Response(200, PNG)

    assert await download(reader, VISA, result(smile_id.base_url)) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("body", "declared", "expected"),
    [
        (PDF, "binary/octet-stream", "application/pdf"),
        (JPEG, "text/html", "image/jpeg"),
        (b"<html>Receipt</html>", "text/html; charset=utf-8", "text/html"),
        (b"anything", "", None),
    ],
)
async def test_a_receipt_may_be_of_any_type(
    smile_id: FakeSmileId, reader: SmileV3Reader, body: bytes, declared: str, expected: str | None
) -> None:
    smile_id.held["/storage/receipt"] = Response(200, body, {"Content-Type": declared} if declared else {})

    assert await download(reader, RECEIPT, result(smile_id.base_url)) == (body, expected)


@pytest.mark.parametrize("body", [b"<Error>AccessDenied</Error>", b'{"message": "no"}', PDF, b""])
async def test_what_is_no_picture_is_never_stored_as_one(
    smile_id: FakeSmileId, reader: SmileV3Reader, body: bytes
) -> None:
    smile_id.held["/storage/selfie"] = Response(200, body, {"Content-Type": "image/jpeg"})

    error = await failure(reader, SELFIE, result(smile_id.base_url))

    assert isinstance(error, ArtifactSpoiled)
    assert error.loss is LossReason.WRONG_TYPE


@pytest.mark.parametrize(
    ("code", "loss"),
    [
        (400, LossReason.LINK_EXPIRED),
        (401, LossReason.LINK_EXPIRED),
        (403, LossReason.LINK_EXPIRED),
        (410, LossReason.LINK_EXPIRED),
        (404, LossReason.GONE),
    ],
)
async def test_a_link_that_is_over_is_distinguished_from_a_file_that_is_gone(
    smile_id: FakeSmileId, reader: SmileV3Reader, code: int, loss: LossReason
) -> None:
    smile_id.held["/storage/selfie"] = Response(code, b"<Error>Request has expired</Error>")

    error = await failure(reader, SELFIE, result(smile_id.base_url))

    assert isinstance(error, ArtifactLost)
    assert error.loss is loss


@pytest.mark.parametrize(
    "stored",
    [
        None,
        b"",
        b"nothing of ours",
        json.dumps({"status": status("clear"), "callback": None}).encode(),
        result("https://files.invalid", image_links={}),
        result("https://files.invalid", image_links=None),
        result("https://files.invalid", image_links={"selfie_image": " "}),
    ],
)
async def test_a_link_that_the_result_lacks_is_brought_by_a_replay(reader: SmileV3Reader, stored: bytes | None) -> None:
    error = await failure(reader, SELFIE, stored)

    assert isinstance(error, ArtifactLost)
    assert error.loss is LossReason.LINK_EXPIRED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(500), "http_500"),
        (Response(503), "http_503"),
        (Response(302, headers={"Location": "http://127.0.0.1:1/"}), "http_302"),
        (Response(200, JPEG, announced=10**6), "cut_short"),
        (HangUp(), "connection_lost"),
        (Stall(), "read_timeout"),
    ],
)
async def test_another_attempt_may_bring_it(
    smile_id: FakeSmileId, reader: SmileV3Reader, answer: Answer, code: str
) -> None:
    smile_id.will_answer("/storage/selfie", answer)

    error = await failure(reader, SELFIE, result(smile_id.base_url))

    assert isinstance(error, ProviderUnavailable)
    assert (error.code, isinstance(error, ArtifactError)) == (code, False)


@pytest.mark.parametrize("announced", [None, 10**9])
async def test_a_file_that_is_too_large_is_given_up(
    smile_id: FakeSmileId, http: httpx.AsyncClient, announced: int | None
) -> None:
    smile_id.held["/storage/selfie"] = Response(200, JPEG, announced=announced)
    links = Links(settings(base_url=smile_id.base_url, largest_artifact=1000), http)

    with pytest.raises(ArtifactLost) as caught:
        async with links.open(f"{smile_id.base_url}/storage/selfie", is_picture=True) as stream:
            _ = [chunk async for chunk in stream.chunks]
    assert caught.value.loss is LossReason.TOO_LARGE


class Names:
    """A resolver that knows one address for every name, and notes what it was asked for."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        if not self.addresses:
            raise OSError("no such host")
        return self.addresses


async def refuse(link: str, names: Names, http: httpx.AsyncClient, **given: Any) -> LossReason:
    links = Links(settings(**given), http, resolve=names)
    with pytest.raises(ArtifactLost) as caught:
        async with links.open(link, is_picture=True):
            pass
    return caught.value.loss


@pytest.mark.parametrize(
    "link",
    [
        "http://files.example/a",
        "ftp://files.example/a",
        "file:///etc/passwd",
        "//files.example/a",
        "files.example/a",
        "https://",
        "https:///a",
        "https://user:word@files.example/a",
        "https://files.example:port/a",
        "https://files.example:8443/a",
        "https://files.example:22/a",
        "https://testapi.smileidentity.com/v3/status/job",
        "https://testapi.smileidentity.com/storage/../v3/status/job",
        "https://testapi.smileidentity.com/storage/%2e%2e/v3/status/job",
        "https://testapi.smileidentity.com:444/storage/a",
        "https://[::1/a",
        "https://files.example:99999/a",
        "not a link",
    ],
)
async def test_a_link_that_is_not_plain_https_is_not_even_looked_up(http: httpx.AsyncClient, link: str) -> None:
    names = Names("93.184.216.34")

    assert await refuse(link, names, http) is LossReason.REFUSED
    assert names.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.7", "192.168.1.1", "172.16.0.1", "169.254.169.254", "::1", "fd00::1", "0.0.0.0"],
)
async def test_a_link_into_a_private_network_is_not_followed(http: httpx.AsyncClient, address: str) -> None:
    assert await refuse("https://files.example/a", Names(address), http) is LossReason.REFUSED


async def test_where_hosts_are_named_no_other_is_followed(http: httpx.AsyncClient) -> None:
    names = Names("10.0.0.7")
    hosts = ["smile-results.s3.eu-west-1.amazonaws.com"]

    for host in ("files.example", "x.smile-results.s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"):
        assert await refuse(f"https://{host}/a", names, http, artifact_hosts=hosts) is LossReason.REFUSED
    assert names.asked == []
    await refuse("https://SMILE-results.s3.eu-west-1.amazonaws.com/a", names, http, artifact_hosts=hosts)
    assert names.asked == [("smile-results.s3.eu-west-1.amazonaws.com", 443)]


@pytest.mark.parametrize("path", ["/control/health", "/storage", "/storage/../control/health", "/v3/token", ""])
async def test_the_accounts_own_host_is_followed_below_its_file_path_only(
    smile_id: FakeSmileId, http: httpx.AsyncClient, path: str
) -> None:
    names = Names("127.0.0.1")

    loss = await refuse(smile_id.base_url + path, names, http, base_url=smile_id.base_url)

    assert (loss, names.asked, smile_id.asked) == (LossReason.REFUSED, [], [])


async def test_the_accounts_own_host_may_be_named_as_a_host_of_files(http: httpx.AsyncClient) -> None:
    names, host = Names("10.0.0.7"), "testapi.smileidentity.com"

    await refuse(f"https://{host}/results/a", names, http, artifact_hosts=[host])

    assert names.asked == [(host, 443)]


async def test_another_port_of_the_accounts_own_host_is_not_home(
    smile_id: FakeSmileId, http: httpx.AsyncClient
) -> None:
    names = Names("127.0.0.1")

    loss = await refuse("http://127.0.0.1:1/storage/selfie", names, http, base_url=smile_id.base_url)

    assert loss is LossReason.REFUSED


async def test_a_name_that_leads_nowhere_may_lead_somewhere_later(http: httpx.AsyncClient) -> None:
    with pytest.raises(ProviderUnavailable, match="not_resolved"):
        async with Links(settings(), http, resolve=Names()).open("https://files.example/a", is_picture=True):
            pass


async def test_the_address_that_was_looked_up_is_the_one_that_is_called(
    smile_id: FakeSmileId, http: httpx.AsyncClient
) -> None:
    smile_id.held["/storage/selfie"] = Response(200, JPEG)
    home = smile_id.base_url.replace("127.0.0.1", "storage.example")
    links = Links(settings(base_url=home), http, resolve=Names("127.0.0.1"))

    async with links.open(f"{home}/storage/selfie", is_picture=True) as stream:
        assert b"".join([chunk async for chunk in stream.chunks]) == JPEG
    assert smile_id.headers_of_files[0]["host"] == home.removeprefix("http://")
