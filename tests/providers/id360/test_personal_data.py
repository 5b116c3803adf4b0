"""Whatever ID360 tells of a person ends in storage and nowhere else."""

import json
from typing import Any

import pytest

from tests.providers.id360.fake_id360 import LOGIN, PASSWORD, FakeId360
from tests.providers.id360.samples import QUESTION, report, step_callback
from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.shown import shows
from vigil.domain.errors import ProviderError
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind
from vigil.providers.id360.reader import Id360Reader
from vigil.providers.id360.wire import read_callback

CANARY = "Quillfeather Anne-Lise"
PERSON = {"name": CANARY, "birth_date": CANARY, "extra": {"mrz_line_1": CANARY}}
FULL = report(
    status="KO",
    reason=CANARY,
    client_reference=CANARY,
    level=CANARY,
    identity=PERSON,
    extracted_data={"identity": [PERSON]},
    status_codes=[{"code": CANARY, "message": CANARY}],
    all_status_codes=[{"status_code": {"code": CANARY, "message": CANARY}, "where": CANARY}],
    steps={CANARY: {"status": CANARY}, "liveness": {"status": CANARY, "results": PERSON}},
    documents={CANARY: [{"name": CANARY, "files": [{"url": "https://elsewhere.example/" + CANARY, "hash": CANARY}]}]},
    creation_time=CANARY,
)
ANSWERS: dict[str, Answer] = {
    "a report": json_response(FULL),
    "an unknown status": json_response(FULL | {"status": CANARY}),
    "another id": json_response(FULL | {"id": CANARY}),
    "a string": json_response(CANARY),
    "a list": json_response([CANARY]),
    "no JSON": Response(200, CANARY.encode()),
    "half a report": Response(200, json.dumps(FULL).encode()[:-3]),
    "a cut body": Response(200, json.dumps(FULL).encode(), announced=10**6),
    "401": json_response(FULL, 401),
    "403": json_response(FULL, 403),
    "404": json_response(FULL, 404),
    "500": json_response(FULL, 500),
    "redirect": Response(302, CANARY.encode(), {"Location": "https://elsewhere.example/"}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_lets_a_person_out(
    id360: FakeId360, reader: Id360Reader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    id360.will_answer("/api/1.0.0/enrollment/700102/report", answer, answer)
    said: list[Any] = []

    try:
        reply = await reader.read(QUESTION)
        said += [reply, reply.snapshot.model_dump_json() if reply.snapshot else None]
    except ProviderError as error:
        said += [error, error.args, error.__cause__, vars(error)]

    assert said
    assert not shows(CANARY, *said, everything_logged.text)


async def test_no_download_lets_a_person_out(
    id360: FakeId360, reader: Id360Reader, everything_logged: pytest.LogCaptureFixture
) -> None:
    artifact = Artifact(name="document-0", kind=EvidenceKind.SUPPORTING_DOCUMENT, locator="document-0")

    with pytest.raises(ProviderError) as caught:
        async with reader.open_artifact(QUESTION, artifact, json.dumps(FULL).encode()):
            pass

    assert not shows(CANARY, caught.value, caught.value.__cause__, everything_logged.text)


@pytest.mark.parametrize(
    "body",
    [
        step_callback(reason=CANARY) | {CANARY: CANARY},
        step_callback(
            enrollment_step={
                "status": CANARY,
                "errors": [CANARY],
                "type": CANARY,
                "reason": CANARY,
                "name": CANARY,
                "documents": [CANARY],
            }
        ),
        {"id": 700101, "status": "KO", "reason": CANARY, "extracted_data": PERSON},
        {"id": 700101, "status": CANARY},
        {"id": CANARY, "status": "OK"},
        [CANARY],
        CANARY,
    ],
)
def test_no_callback_lets_a_person_out(body: object) -> None:
    for raw in (json.dumps(body).encode(), json.dumps(body).encode()[:-1]):
        callback = read_callback(raw)

        assert not shows(CANARY, callback, callback.identity, callback.observation.model_dump_json())


@pytest.mark.parametrize(
    "answer", [Response(401, PASSWORD.encode()), Response(200, b"{"), json_response({"token": CANARY + "\n"})]
)
async def test_no_failed_login_lets_the_password_or_the_token_out(
    id360: FakeId360, reader: Id360Reader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    id360.will_answer(LOGIN, answer)

    with pytest.raises(ProviderError) as caught:
        await reader.read(QUESTION)

    assert not shows(CANARY, caught.value, everything_logged.text)
    assert not shows(PASSWORD, caught.value, everything_logged.text)


async def test_no_login_lets_the_password_or_the_token_out(
    id360: FakeId360, reader: Id360Reader, everything_logged: pytest.LogCaptureFixture
) -> None:
    id360.will_answer(LOGIN, json_response({"token": "t0ken-c4nary"}))
    id360.will_answer("/api/1.0.0/enrollment/700102/report", json_response(report()))

    reply = await reader.read(QUESTION)

    assert reply.word == "OK"
    assert everything_logged.records
    assert not shows(f"t0ken-c4nary {PASSWORD}", everything_logged.text)
