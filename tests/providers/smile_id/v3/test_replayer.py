"""Asking for a callback once more."""

from datetime import timedelta

import pytest

from tests.providers.raw_server import Answer, HangUp, Response, json_response
from tests.providers.smile_id.v3.fake_smile_id import LOGIN, FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, QUESTION
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey
from vigil.providers.smile_id.v3.replayer import SmileV3Replayer

REPLAY = f"/v3/replay/{JOB}"
ACCEPTED = json_response({"status": "accepted", "job_id": JOB, "user_id": "cust-38", "message": "Queued"}, 202)


async def test_a_replay_names_no_other_address_for_the_callback(
    smile_id: FakeSmileId, replayer: SmileV3Replayer
) -> None:
    smile_id.held[REPLAY] = ACCEPTED

    await replayer.replay(QUESTION)

    assert smile_id.asked == [f"POST {LOGIN}", f"POST {REPLAY}"]
    assert smile_id.bodies == [("", b"")]


async def test_a_replay_goes_on_after_a_token_has_died(smile_id: FakeSmileId, replayer: SmileV3Replayer) -> None:
    smile_id.held[REPLAY] = ACCEPTED
    await replayer.replay(QUESTION)
    smile_id.expire_all_tokens()

    await replayer.replay(QUESTION)

    assert (smile_id.logins, len(smile_id.bodies)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (json_response({"status": "Conflict"}, 409), ProviderUnavailable, "http_409"),
        (json_response({"status": "Not Found"}, 404), ReferenceUnknown, "http_404"),
        (json_response({"status": "Forbidden"}, 403), ProviderRefusesUs, "http_403"),
        (json_response({"status": "Bad Request"}, 400), ProviderRefusesUs, "http_400"),
        (json_response({"status": "Unsupported Media Type"}, 415), ProviderRefusesUs, "http_415"),
        (Response(429), ProviderUnavailable, "http_429"),
        (Response(500), ProviderUnavailable, "http_500"),
        (Response(200), ProviderUnavailable, "http_200"),
        (HangUp(), ProviderUnavailable, "connection_lost"),
    ],
)
async def test_a_replay_that_is_not_queued_says_why(
    smile_id: FakeSmileId, replayer: SmileV3Replayer, answer: Answer, expected: type[ProviderError], code: str
) -> None:
    smile_id.will_answer(REPLAY, answer)

    with pytest.raises(expected) as caught:
        await replayer.replay(QUESTION)
    assert (caught.value.code, type(caught.value)) == (code, expected)


async def test_a_replay_that_is_refused_twice_is_our_fault(smile_id: FakeSmileId, replayer: SmileV3Replayer) -> None:
    smile_id.will_answer(REPLAY, Response(401), Response(401))

    with pytest.raises(ProviderRefusesUs, match="http_401"):
        await replayer.replay(QUESTION)


async def test_smile_id_says_when_to_ask_again(smile_id: FakeSmileId, replayer: SmileV3Replayer) -> None:
    smile_id.will_answer(REPLAY, Response(429, headers={"Retry-After": "12"}))

    with pytest.raises(ProviderUnavailable) as caught:
        await replayer.replay(QUESTION)
    assert caught.value.retry_after == timedelta(seconds=12)


async def test_what_is_no_job_id_is_not_replayed(smile_id: FakeSmileId, replayer: SmileV3Replayer) -> None:
    with pytest.raises(ReferenceUnknown, match="not_a_reference"):
        await replayer.replay(ReadRequest(key=VerificationKey(account="smile", reference="chk-7f01")))
    assert smile_id.asked == []
