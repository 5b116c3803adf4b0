"""Whatever the first generation tells of a person ends in storage and nowhere else."""

import base64
import json
from typing import Any

import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.shown import shows
from tests.providers.smile_id.v1.fake_smile_id import FakeSmileId
from tests.providers.smile_id.v1.samples import KEY, PARTNER, callback, frame, question, result, settings, sign
from vigil.domain.errors import CallbackRefused, ProviderError
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind
from vigil.providers.smile_id.signature import Signatures
from vigil.providers.smile_id.v1.reader import SmileV1Reader
from vigil.providers.smile_id.v1.wire import prove_v1, read_v1

CANARY = "Quillfeather Anne-Lise"
SCORE = "87.654321"
PICTURE = base64.b64encode(b"\xff\xd8\xff" + CANARY.encode()).decode()
PERSON: dict[str, Any] = {
    "FullName": CANARY,
    "DOB": CANARY,
    "IDNumber": CANARY,
    "Address": CANARY,
    "Photo": PICTURE,
    "FullData": {CANARY: CANARY, "signature": CANARY},
    "ConfidenceValue": SCORE,
}
LINKS = {"selfie_image": f"https://files.invalid/{CANARY}", CANARY: CANARY}
FULL = frame(
    result(
        "0811",
        6,
        **PERSON,
        ResultText=CANARY,
        ResultType=CANARY,
        Actions={"Liveness_Check": CANARY, CANARY: CANARY},
        ImageLinks=LINKS,
        KYCReceipt=CANARY,
    ),
    history=[result(CANARY, 6, **PERSON), result("0811", 6, Actions={"DOB": CANARY})],
    image_links=LINKS,
)
ANSWERS: dict[str, dict[str, Any]] = {
    "a job": FULL,
    "an unknown code": frame(result(CANARY, 6, **PERSON)),
    "an unknown type of job": frame(result("0810", CANARY, **PERSON)),
    "an unknown code of the answer": FULL | {"code": CANARY},
    "text for a result": frame(CANARY),
    "text for a result that is not there yet": frame(CANARY, is_complete=False),
    "text for completeness": FULL | {"job_complete": CANARY},
}
UNSIGNED: dict[str, Answer] = {
    "no signature": json_response(FULL),
    "a list": json_response([CANARY]),
    "no JSON": Response(200, CANARY.encode()),
    "half a job": Response(200, json.dumps(FULL).encode()[:-3]),
    "a cut body": Response(200, json.dumps(FULL).encode(), announced=10**6),
    "a refusal": json_response({"code": "2205", "error": CANARY}, 400),
    "401": Response(401, CANARY.encode()),
    "404": json_response({"error": CANARY}, 404),
    "500": Response(500, CANARY.encode()),
    "redirect": Response(302, CANARY.encode(), {"Location": "https://elsewhere.example/"}),
}
SELFIE = Artifact(name="selfie", kind=EvidenceKind.SELFIE, locator="selfie")
PHOTO = Artifact(name="photo", kind=EvidenceKind.PORTRAIT, locator="photo")


def shows_person(*shown: object) -> bool:
    """Return whether any part of the person, or our key, is in the texts of these values."""
    return shows(f"{CANARY} {SCORE} {PICTURE[:20]} {KEY}", *shown)


async def said_of(reader: SmileV1Reader) -> list[Any]:
    try:
        reply = await reader.read(question(6))
    except ProviderError as error:
        return [error, error.args, error.__cause__, vars(error)]
    return [reply, reply.word, reply.snapshot.model_dump_json() if reply.snapshot else None]


@pytest.mark.parametrize("content", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_lets_a_person_out(
    smile: FakeSmileId, reader: SmileV1Reader, everything_logged: pytest.LogCaptureFixture, content: dict[str, Any]
) -> None:
    smile.will_answer("/v1/job_status", smile.sign_response(content), smile.sign_response(content))

    said = await said_of(reader)

    assert said
    assert not shows_person(*said, everything_logged.text)


@pytest.mark.parametrize("answer", UNSIGNED.values(), ids=UNSIGNED.keys())
async def test_no_answer_that_is_not_believed_lets_a_person_out(
    smile: FakeSmileId, reader: SmileV1Reader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    smile.will_answer("/v1/job_status", answer)

    said = await said_of(reader)

    assert isinstance(said[0], ProviderError)
    assert not shows_person(*said, everything_logged.text)


@pytest.mark.parametrize("artifact", [SELFIE, PHOTO])
@pytest.mark.parametrize("link", [f"https://{CANARY}/", "https://[" + CANARY, f"http://files.invalid/{CANARY}"])
async def test_no_download_that_fails_lets_a_person_out(
    smile: FakeSmileId,
    reader: SmileV1Reader,
    everything_logged: pytest.LogCaptureFixture,
    artifact: Artifact,
    link: str,
) -> None:
    content = frame(result("0811", 6, Photo=f"*{CANARY}*", ImageLinks={"selfie_image": link}))
    smile.will_answer("/v1/job_status", smile.sign_response(content))

    with pytest.raises(ProviderError) as caught:
        async with reader.open_artifact(question(6), artifact, None):
            pass

    assert not shows_person(caught.value, vars(caught.value), caught.value.__cause__, everything_logged.text)


@pytest.mark.parametrize(
    "body",
    [
        FULL["result"],
        result(CANARY, CANARY, **PERSON),
        result("0811", 6) | {"PartnerParams": {"job_id": [CANARY], "user_id": [CANARY], "job_type": CANARY}},
        result("0811", 6) | {CANARY: CANARY, "PartnerParams": {CANARY: CANARY, "job_id": "chk-7f01"}},
        [CANARY],
        CANARY,
    ],
)
def test_no_callback_lets_a_person_out(body: object) -> None:
    for raw in (json.dumps(body).encode(), json.dumps(body).encode()[:-1]):
        told_of = read_v1(raw)
        shown = told_of.observation.model_dump_json(), told_of.reference, told_of.unknown_fields
        assert not shows_person(*shown, told_of.coordinates, told_of.identity)


def test_no_refusal_repeats_what_was_presented() -> None:
    signatures = Signatures(PARTNER, settings().api_key)

    with pytest.raises(CallbackRefused) as caught:
        prove_v1(signatures, callback(sign(PERSON) | {"signature": CANARY}))

    assert not shows_person(caught.value, vars(caught.value), caught.value.__cause__)


def test_no_settings_show_the_key() -> None:
    own = settings()

    assert not shows_person(own, own.model_dump(), own.model_dump_json())
