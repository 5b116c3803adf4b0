"""Whatever Identomat tells of a person, and every secret, ends in storage and nowhere else."""

import json
from typing import Any

import pytest

from tests.providers.identomat.fake_identomat import COMPANY_KEY, FakeIdentomat
from tests.providers.identomat.samples import CALLBACK_KEY, QUESTION, SESSION, callback, change, result, settings, video
from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.shown import shows
from vigil.domain.errors import CallbackRefused, ProviderError
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind
from vigil.providers.identomat.provider import Identomat
from vigil.providers.identomat.reader import IdentomatReader

CANARY = "Quillfeather Anne-Lise"
PERSON = {"first_name": CANARY, "address": CANARY, "mrz": CANARY, "status": CANARY, "birthday_time": CANARY}
FULL = result(
    "rejected",
    similarity=CANARY,
    live=CANARY,
    document_type=CANARY,
    generalDocuments=[{"pages": [{"final": PERSON}]}],
    reject_reason={"value": CANARY, "description": CANARY},
    result_comment=CANARY,
    name=CANARY,
    person=PERSON,
    id_card_front=PERSON,
    technicalDetails={"remoteAddress": CANARY, "userAgent": CANARY},
    screeningMatches=[{"name": CANARY}],
    videoCallStatus={"roomId": CANARY, "roomStatus": CANARY, "videoFileId": CANARY, CANARY: [CANARY]},
)
ANSWERS: dict[str, Answer] = {
    "a result": json_response(FULL),
    "an unknown word": json_response(FULL | {"result": CANARY}),
    "a string": json_response(CANARY),
    "a list": json_response([CANARY]),
    "no JSON": Response(200, CANARY.encode()),
    "half a result": Response(200, json.dumps(FULL).encode()[:-3]),
    "a cut body": Response(200, json.dumps(FULL).encode(), announced=10**6),
    "argument error": json_response({"argumentError": CANARY}),
    "401": json_response(FULL, 401),
    "404": json_response(FULL, 404),
    "500": json_response(FULL, 500),
    "redirect": Response(302, CANARY.encode(), {"Location": "https://elsewhere.example/"}),
}
SECRETS = f"{COMPANY_KEY} {CALLBACK_KEY} {SESSION}"


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_lets_a_person_or_a_secret_out(
    identomat: FakeIdentomat, reader: IdentomatReader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    identomat.results[SESSION] = answer
    said: list[Any] = []

    try:
        reply = await reader.read(QUESTION)
        said += [reply, reply.snapshot.model_dump_json() if reply.snapshot else None]
    except ProviderError as error:
        said += [error, error.args, error.__cause__, vars(error)]

    assert said
    assert everything_logged.records
    assert not shows(f"{CANARY} {SECRETS}", *said, everything_logged.text)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_download_lets_a_person_or_a_secret_out(
    identomat: FakeIdentomat, reader: IdentomatReader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    identomat.recordings["vf-1"] = answer
    artifact = Artifact(name="recording-vf-1", kind=EvidenceKind.CALL_RECORDING, locator="vf-1")
    said: list[Any] = []

    try:
        async with reader.open_artifact(QUESTION, artifact, None) as stream:
            said.append(stream)
    except ProviderError as error:
        said += [error, error.args, error.__cause__, vars(error)]

    assert said
    assert not shows(f"{CANARY} {SECRETS}", *said, everything_logged.text)


@pytest.mark.parametrize(
    "body",
    [
        change(result=CANARY, sessionType=CANARY, **{CANARY: CANARY}),
        change(person=PERSON),
        change(sessionId=CANARY),
        change(type=CANARY),
        video(roomId=CANARY, roomStatus=CANARY),
        video(roomStatus=CANARY, videoFileStatus=CANARY, compositionStatus=CANARY, videoFileId=CANARY),
    ],
)
def test_no_callback_lets_a_person_or_the_key_out(reader: IdentomatReader, body: dict[str, Any]) -> None:
    provider = Identomat("identomat", settings(), reader)

    genuine = provider.prove(callback(body))
    [said] = provider.read_callbacks(genuine)

    assert not shows(f"{CANARY} {CALLBACK_KEY}", genuine, said, said.identity, said.observation.model_dump_json())


def test_a_refused_callback_does_not_show_what_it_presented(reader: IdentomatReader) -> None:
    with pytest.raises(CallbackRefused) as caught:
        Identomat("identomat", settings(), reader).prove(callback(change(callbackApiKey=CANARY)))

    assert not shows(CANARY, caught.value, caught.value.__cause__, vars(caught.value))
