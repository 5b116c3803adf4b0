from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.providers.verdant.kit import settings
from vigil.domain.errors import ArtifactLost, CallbackRefused
from vigil.domain.snapshot import ReadRequest
from vigil.domain.terms import LossReason
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import CallbackRequest, GenuineRequest
from vigil.providers.verdant.inquiry import listed_files, snapshot_of
from vigil.providers.verdant.provider import Verdant
from vigil.providers.verdant.reader import VerdantReader
from vigil.providers.verdant.settings import VerdantSettings
from vigil.simulator.app import create_app

SIMULATOR = "http://simulator.test"
SETTINGS = VerdantSettings.model_validate({"provider": "verdant", **settings(SIMULATOR)})


def proven(body: bytes) -> GenuineRequest:
    asked_for_nothing = VerdantReader(SETTINGS, httpx.AsyncClient())
    request = CallbackRequest("verdant", None, {}, body, datetime.now(UTC))
    return Verdant("verdant", SETTINGS, asked_for_nothing).prove(request)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(time_scale=1)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=SIMULATOR) as client:
        yield client
    await app.state.engine.aclose()


async def started_because(http: httpx.AsyncClient, expired_links: int) -> ReadRequest:
    order = {"token": "a token", "think": "PT0S", "step_every": "PT0S", "expired_links": expired_links}
    told = (await http.post("/control/verdant/verifications", json=order)).json()
    return ReadRequest(key=VerificationKey(account="verdant", reference=told["reference"]))


def test_the_token_is_cut_out_of_what_is_kept() -> None:
    genuine = proven(b'{"token": "verdant of the winter", "inquiry": "inq-1", "part": "face"}')

    assert genuine.kept_body == b'{"inquiry": "inq-1", "part": "face"}'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"token": "verdant of', "unprovable"),
        (b'["verdant of the winter"]', "unprovable"),
        (b'{"token": "verdant of the winter", "token": "another"}', "unprovable"),
        (b'{"inquiry": "inq-1"}', "missing_token"),
        (b'{"token": 7}', "wrong_token"),
        (b'{"token": "\\ud800"}', "wrong_token"),
    ],
)
def test_a_body_without_a_live_token_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(CallbackRefused, match=why):
        proven(body)


async def test_an_expired_link_is_renewed_by_a_fresh_read(http: httpx.AsyncClient) -> None:
    question, reader = await started_because(http, expired_links=1), VerdantReader(SETTINGS, http)
    reply = await reader.read(question)
    assert reply.snapshot is not None
    artifact = reply.snapshot.artifacts[0]

    async with reader.open_artifact(question, artifact, reply.raw) as stream:
        content = b"".join([chunk async for chunk in stream.chunks])

    assert content.startswith(b"\x89PNG")


async def test_a_file_whose_fresh_link_has_expired_too_is_lost(http: httpx.AsyncClient) -> None:
    question, reader = await started_because(http, expired_links=2), VerdantReader(SETTINGS, http)
    reply = await reader.read(question)
    assert reply.snapshot is not None

    with pytest.raises(ArtifactLost) as lost:
        async with reader.open_artifact(question, reply.snapshot.artifacts[0], reply.raw):
            pass

    assert lost.value.loss is LossReason.LINK_EXPIRED


@pytest.mark.parametrize(
    ("document", "face", "stage", "decision"),
    [
        (None, None, "awaiting_applicant", None),
        ("pass", None, "processing", None),
        ("fail", None, "processing", None),
        ("pass", "pass", "concluded", "approved"),
        ("pass", "fail", "concluded", "declined"),
        ("fail", "pass", "concluded", "declined"),
        ("pass", "perhaps", "unrecognised", None),
        ("pass", ["pass"], "unrecognised", None),
    ],
)
def test_only_an_inquiry_that_shows_both_parts_is_decided(
    document: object, face: object, stage: str, decision: str | None
) -> None:
    parts = {"document": {"verdict": document}, "face": {"verdict": face}}

    told = snapshot_of({"inquiry": "inq-1", "parts": parts}, reference="inq-1")

    assert (told.stage, told.decision) == (stage, decision)


def test_another_inquiry_than_the_one_asked_for_is_not_believed() -> None:
    parts = {"document": {"verdict": "pass"}, "face": {"verdict": "pass"}}

    assert snapshot_of({"inquiry": "inq-2", "parts": parts}, reference="inq-1").decision is None


def test_a_file_without_a_link_is_not_listed_yet() -> None:
    assert list(listed_files({"files": [{"name": "card", "link": None, "sha256": "00"}]})) == []
