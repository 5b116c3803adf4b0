"""Whatever Smile ID tells of a person ends in storage and nowhere else."""

import json
import logging
from typing import Any

import httpx
import pytest

from tests.providers.raw_server import Answer, Response, json_response
from tests.providers.shown import shows
from tests.providers.smile_id.v3.fake_smile_id import LOGIN, FakeSmileId
from tests.providers.smile_id.v3.samples import HEADERS, JOB, QUESTION, as_bytes, attention, settings, status
from vigil.domain.errors import ProviderError
from vigil.domain.snapshot import Artifact
from vigil.domain.terms import EvidenceKind
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader
from vigil.providers.smile_id.v3.replayer import SmileV3Replayer
from vigil.providers.smile_id.v3.wire import read_v3

CANARY = "Quillfeather Anne-Lise"
PERSON = {"full_name": CANARY, "id_number": CANARY, "date_of_birth": CANARY, CANARY: CANARY}
FULL = attention(
    message=CANARY,
    reason=CANARY,
    product=CANARY,
    created_at=CANARY,
    completed_at=CANARY,
    partner_params={CANARY: CANARY},
    user_provided_info={"given_names": CANARY, "last_name": CANARY, "email": CANARY, "phone_number": CANARY},
    id_fields=PERSON,
    consent={"granted_by": CANARY},
    antifraud={"summary": {"fraud_detected": True}, "smile_secure": {"status": CANARY, "suspect_users": [PERSON]}},
    device_signals=PERSON,
    image_links={"selfie_image": f"https://files.invalid/{CANARY}", CANARY: CANARY},
    kyc_receipt=f"https://files.invalid/{CANARY}",
    additional_documents=[{"image_link": f"https://files.invalid/{CANARY}", **PERSON}],
    people=[{"name": CANARY, "sanctions": [{"list": CANARY}]}],
    no_of_persons_found=1,
) | {CANARY: CANARY}
PROBLEM = {"status": CANARY, "message": CANARY, "user_id": CANARY, "job_id": CANARY}
ANSWERS: dict[str, Answer] = {
    "a verdict": json_response(status("attention", user_id=CANARY, message=CANARY)),
    "an unknown status": json_response(status(CANARY)),
    "another job": json_response(status("clear", job_id=CANARY)),
    "a string": json_response(CANARY),
    "no JSON": Response(200, CANARY.encode()),
    "a cut body": Response(200, json.dumps(PROBLEM).encode(), announced=10**6),
    "400": json_response(PROBLEM, 400),
    "403": json_response(PROBLEM, 403),
    "404": json_response(PROBLEM, 404),
    "500": json_response(PROBLEM, 500),
    "redirect": Response(302, CANARY.encode(), {"Location": "https://elsewhere.example/"}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_and_no_callback_beside_it_lets_a_person_out(
    smile_id: FakeSmileId, reader: SmileV3Reader, everything_logged: pytest.LogCaptureFixture, answer: Answer
) -> None:
    smile_id.will_answer(f"/v3/status/{JOB}", answer, answer)
    said: list[Any] = []

    try:
        reply = await reader.read_with_callbacks(QUESTION, [as_bytes(FULL)])
        said += [reply, reply.snapshot.model_dump_json() if reply.snapshot else None]
    except ProviderError as error:
        said += [error, error.args, error.__cause__, vars(error)]

    assert said
    assert not shows(CANARY, *said, everything_logged.text)


async def test_what_is_kept_of_a_person_is_in_the_stored_result(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.will_answer(f"/v3/status/{JOB}", json_response(status("attention")))

    reply = await reader.read_with_callbacks(QUESTION, [as_bytes(FULL)])

    assert json.loads(reply.raw or b"")["callback"] == FULL


@pytest.mark.parametrize(
    "body", [FULL, {CANARY: CANARY}, [CANARY], CANARY, FULL | {"status": CANARY}, FULL | {"status": [CANARY]}]
)
@pytest.mark.parametrize("job", [JOB, CANARY])
def test_no_callback_lets_a_person_out(body: object, job: str) -> None:
    headers = HEADERS | {"job-id": job, "user-id": CANARY}
    for raw in (as_bytes(body), as_bytes(body)[:-1]):
        callback = read_v3(raw, headers)
        shown = callback.observation.model_dump_json(), callback.reference, callback.unknown_fields
        assert not shows(CANARY, *shown, callback.coordinates)


@pytest.mark.parametrize("code", [200, 302, 400, 403, 404, 500])
async def test_no_download_lets_its_link_out(
    smile_id: FakeSmileId, reader: SmileV3Reader, everything_logged: pytest.LogCaptureFixture, code: int
) -> None:
    for talkative in ("httpx", "httpcore"):  # they log addresses, and every process of ours silences them so
        everything_logged.set_level(logging.WARNING, talkative)
    smile_id.will_answer("/storage/c4nary", Response(code, CANARY.encode(), {"Location": CANARY}))
    link = f"{smile_id.base_url}/storage/c4nary?signature=c4nary"
    stored = json.dumps({"callback": {"image_links": {"selfie_image": link}}}).encode()
    artifact = Artifact(name="selfie", kind=EvidenceKind.SELFIE, locator="selfie_image")

    with pytest.raises(ProviderError) as caught:
        async with reader.open_artifact(QUESTION, artifact, stored):
            pass

    error = caught.value
    assert not shows(f"{CANARY} c4nary", error, vars(error), error.__cause__, everything_logged.text)


@pytest.mark.parametrize("code", [400, 404, 409, 500])
async def test_no_replay_lets_a_person_out(
    smile_id: FakeSmileId, replayer: SmileV3Replayer, everything_logged: pytest.LogCaptureFixture, code: int
) -> None:
    smile_id.will_answer(f"/v3/replay/{JOB}", json_response(PROBLEM, code))

    with pytest.raises(ProviderError) as caught:
        await replayer.replay(QUESTION)
    assert not shows(CANARY, caught.value, vars(caught.value), everything_logged.text)


async def test_no_login_lets_the_key_or_the_token_out(
    smile_id: FakeSmileId, http: httpx.AsyncClient, everything_logged: pytest.LogCaptureFixture
) -> None:
    account = settings(base_url=smile_id.base_url, api_key="k3y-c4nary")
    reader = SmileV3Reader(account, http, create_login(account, http), Links(account, http))
    smile_id.will_answer(LOGIN, json_response({"token": "t0ken-c4nary"}), Response(401, b"k3y-c4nary"))
    smile_id.will_answer(f"/v3/status/{JOB}", json_response(status()))

    reply = await reader.read(QUESTION)
    with pytest.raises(ProviderError) as caught:
        await reader.check_login()

    assert reply.word == "clear"
    assert everything_logged.records
    assert not shows("k3y-c4nary t0ken-c4nary", caught.value, everything_logged.text, account)
