"""The HMAC mode: we sign what we ask, and believe no answer that is not signed."""

import base64
import hashlib
import hmac
import json

import httpx
import pytest
import pytest_asyncio

from tests.providers.identomat.fake_identomat import FakeIdentomat
from tests.providers.identomat.samples import QUESTION, SESSION, result, settings
from tests.providers.raw_server import Answer, Response, json_response
from vigil.domain.errors import ArtifactSpoiled, ProviderRefusesUs, ReferenceUnknown, ReplyUnproven
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind, LossReason
from vigil.providers.identomat.reader import IdentomatReader

KEY = "hmac-of-ours-31"
BODY = json.dumps(result()).encode()
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 1000
CALL = Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1")


def signature(body: bytes, key: str = KEY) -> str:
    return 'signature="' + base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode() + '"'


def signed_response(body: bytes, header: str | None = None) -> Response:
    return Response(200, body, {"Authorization": header or signature(body)})


@pytest_asyncio.fixture
async def signing(identomat: FakeIdentomat, http: httpx.AsyncClient) -> IdentomatReader:
    return IdentomatReader(settings(base_url=identomat.base_url, secret_key=KEY), http)


async def test_what_we_ask_is_signed(identomat: FakeIdentomat, signing: IdentomatReader) -> None:
    identomat.results[SESSION] = signed_response(BODY)

    await signing.read(QUESTION)

    [headers], [fields] = identomat.headers, identomat.fields
    assert headers["authorization"] == signature(json.dumps(fields).encode())
    assert headers["accept-encoding"] == "identity"


def test_a_signature_is_the_one_of_the_documents_scheme() -> None:
    # HMAC-SHA-256 test case 2 of RFC 4231.
    assert signature(b"what do ya want for nothing?", "Jefe") == (
        'signature="W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="'
    )


UNPROVEN: dict[str, Answer] = {
    "no signature": Response(200, BODY),
    "another key": signed_response(BODY, signature(BODY, "hmac-of-theirs")),
    "another body": signed_response(BODY, signature(BODY + b" ")),
    "our own request's": signed_response(BODY, signature(b"{}")),
    "no scheme": signed_response(BODY, signature(BODY).removeprefix("signature=")),
    "other letters": signed_response(BODY, 'signature="\xe9"'),
    "nothing": signed_response(BODY, 'signature=""'),
    "a bare string": json_response("QUEUED"),
    "two names": Response(200, b'{"result": "approved", "result": "rejected"}'),
}


@pytest.mark.parametrize("answer", UNPROVEN.values(), ids=UNPROVEN.keys())
async def test_an_answer_without_our_signature_is_not_believed(
    identomat: FakeIdentomat, signing: IdentomatReader, answer: Answer
) -> None:
    identomat.results[SESSION] = answer

    with pytest.raises(ReplyUnproven, match=r"^reply_unproven$"):
        await signing.read(QUESTION)


async def test_refusals_need_no_signature(identomat: FakeIdentomat, signing: IdentomatReader) -> None:
    with pytest.raises(ReferenceUnknown):
        await signing.read(QUESTION)
    identomat.results[SESSION] = json_response({"argumentError": "x"})
    with pytest.raises(ProviderRefusesUs):
        await signing.read(QUESTION)


async def test_without_the_key_nothing_is_signed(identomat: FakeIdentomat, reader: IdentomatReader) -> None:
    identomat.results[SESSION] = Response(200, BODY, {"Authorization": signature(b"")})

    reply = await reader.read(QUESTION)

    assert reply.word == "approved"
    assert "authorization" not in identomat.headers[0]


async def test_a_file_with_our_signature_comes_whole(identomat: FakeIdentomat, signing: IdentomatReader) -> None:
    identomat.recordings["vf-1"] = signed_response(MP4)

    async with signing.open_artifact(QUESTION, CALL, None) as stream:
        assert b"".join([chunk async for chunk in stream.chunks]) == MP4


@pytest.mark.parametrize("answer", [Response(200, MP4), signed_response(MP4, signature(MP4[:-1]))])
async def test_a_file_without_our_signature_is_spoiled(
    identomat: FakeIdentomat, signing: IdentomatReader, answer: Answer
) -> None:
    identomat.recordings["vf-1"] = answer

    async with signing.open_artifact(QUESTION, CALL, None) as stream:
        with pytest.raises(ArtifactSpoiled) as caught:
            _ = [chunk async for chunk in stream.chunks]

    assert caught.value.loss is LossReason.HASH_MISMATCH
