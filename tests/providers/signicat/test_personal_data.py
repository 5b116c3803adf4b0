"""Whatever Signicat tells of a person ends in storage and nowhere else."""

import json
from typing import Any

import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.shown import shows
from tests.providers.signicat.fake_signicat import CURRENT_LOGIN, SECRET, FakeSignicat
from tests.providers.signicat.samples import DOSSIER, PLACE, QUESTION, event, process, triple
from vigil.domain.errors import ProviderError
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind
from vigil.providers.signicat.finder import SignicatFinder
from vigil.providers.signicat.reader import SignicatReader
from vigil.providers.signicat.wire import read_event, read_legacy

CANARY = "Quillfeather Anne-Lise"
PERSON = {"firstName": CANARY, "dateOfBirth": CANARY, "personalIdentificationNumber": CANARY}
FULL = process(
    status="rejected",
    processType=CANARY,
    failReason={"type": CANARY, "category": CANARY, "reason": CANARY, "message": CANARY},
    statusReasons=[{"type": CANARY, "category": CANARY, "subCategory": CANARY, "message": CANARY}],
    depictions=[CANARY],
    finalResult=PERSON,
    providerSpecific={CANARY: {"result": CANARY}, "ocr": PERSON, "facialSimilarity": {"result": CANARY}},
    createdAt=CANARY,
    updatedAt=CANARY,
    notificationUrl="https://elsewhere.example/" + CANARY,
)
PROBLEM = {"type": CANARY, "title": CANARY, "detail": CANARY, "instance": CANARY, "traceId": CANARY}
ANSWERS: dict[str, Answer] = {
    "a process": json_response(FULL),
    "an unknown status": json_response(FULL | {"status": CANARY}),
    "an unknown provider": json_response(FULL | {"provider": CANARY}),
    "another id": json_response(FULL | {"processId": CANARY}),
    "a string": json_response(CANARY),
    "a list": json_response([CANARY]),
    "no JSON": Response(200, CANARY.encode()),
    "half a process": Response(200, json.dumps(FULL).encode()[:-3]),
    "a cut body": Response(200, json.dumps(FULL).encode(), announced=10**6),
    "400": json_response(PROBLEM, 400),
    "401": json_response(PROBLEM, 401),
    "403": json_response(PROBLEM, 403),
    "404": json_response(PROBLEM, 404),
    "500": json_response(PROBLEM, 500),
    "redirect": Response(302, CANARY.encode(), {"Location": "https://elsewhere.example/"}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_lets_a_person_out(
    signicat: FakeSignicat, reader: SignicatReader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    signicat.will_answer("/assure" + PLACE, answer, answer)
    said: list[Any] = []

    try:
        reply = await reader.read(QUESTION)
        said += [reply, reply.snapshot.model_dump_json() if reply.snapshot else None]
    except ProviderError as error:
        said += [error, error.args, error.__cause__, vars(error)]

    assert said
    assert not shows(CANARY, *said, everything_logged.text)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 500])
async def test_no_download_lets_a_person_out(
    signicat: FakeSignicat, reader: SignicatReader, everything_logged: pytest.LogCaptureFixture, status: int
) -> None:
    signicat.will_answer(f"/assure{PLACE}/images", json_response(PROBLEM, status), json_response(PROBLEM, status))
    artifact = Artifact(name="image-front", kind=EvidenceKind.DOCUMENT_FRONT, locator="image-front")

    with pytest.raises(ProviderError) as caught:
        async with reader.open_artifact(QUESTION, artifact, json.dumps(FULL).encode()):
            pass

    assert not shows(CANARY, caught.value, vars(caught.value), caught.value.__cause__, everything_logged.text)


@pytest.mark.parametrize("status", [200, 403, 404])
async def test_no_search_lets_a_person_out(
    signicat: FakeSignicat, finder: SignicatFinder, everything_logged: pytest.LogCaptureFixture, status: int
) -> None:
    entries = [FULL | {"dossier": DOSSIER}, FULL | {"processId": CANARY}]
    signicat.held[f"/dossiers/{DOSSIER}"] = json_response(
        PROBLEM | {"processes": entries, "externalReference": CANARY}, status
    )
    said: list[Any] = []

    try:
        said += await finder.find({"dossier_id": DOSSIER})
    except ProviderError as error:
        said += [error, error.args, vars(error)]

    assert said
    assert not shows(CANARY, *said, everything_logged.text)


@pytest.mark.parametrize(
    "body",
    [
        triple(status=CANARY),
        triple(dossierId=CANARY),
        triple(**{CANARY: CANARY}),
        triple(finalResult=PERSON),
        event(triple(status=CANARY, externalReference=CANARY, finalResult=PERSON) | {CANARY: CANARY}),
        event(PERSON, tags=[CANARY], accountId=CANARY),
        event(eventName=CANARY),
        [CANARY],
        CANARY,
    ],
)
def test_no_callback_lets_a_person_out(body: object) -> None:
    for raw in (json.dumps(body).encode(), json.dumps(body).encode()[:-1]):
        for callback in (read_legacy(raw), read_event(raw)):
            shown = callback.observation.model_dump_json(), callback.reference, callback.unknown_fields
            assert not shows(CANARY, *shown, callback.coordinates)


@pytest.mark.parametrize(
    "answer", [Response(401, SECRET.encode()), Response(200, b"{"), json_response({"access_token": CANARY + "\n"})]
)
async def test_no_failed_login_lets_the_secret_or_the_token_out(
    signicat: FakeSignicat, reader: SignicatReader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    signicat.will_answer(CURRENT_LOGIN, answer)

    with pytest.raises(ProviderError) as caught:
        await reader.read(QUESTION)

    assert not shows(f"{CANARY} {SECRET}", caught.value, everything_logged.text)


async def test_no_login_lets_the_secret_or_the_token_out(
    signicat: FakeSignicat, reader: SignicatReader, everything_logged: pytest.LogCaptureFixture
) -> None:
    signicat.will_answer(CURRENT_LOGIN, json_response({"access_token": "t0ken-c4nary"}))
    signicat.will_answer("/assure" + PLACE, json_response(process()))

    reply = await reader.read(QUESTION)

    assert reply.word == "accepted"
    assert everything_logged.records
    assert not shows(f"t0ken-c4nary {SECRET}", everything_logged.text)
