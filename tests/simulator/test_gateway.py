"""The simulated gateway: what it remembers, and how it fails."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.messages import Sms, simulated_sms


@pytest_asyncio.fixture
async def sms() -> AsyncIterator[Sms]:
    async with simulated_sms() as sms:
        yield sms


async def hand(sms: Sms, message_id: str, text: str = "4021") -> httpx.Response:
    headers = {"Idempotency-Key": message_id}
    return await sms.http.post(f"{sms.url}/gateway/messages", json={"text": text}, headers=headers, timeout=0.3)


async def test_it_remembers_what_it_was_handed_and_sends_one_id_once(sms: Sms) -> None:
    codes = [(await hand(sms, each)).status_code for each in ("a", "a", "b")]

    assert codes == [202, 202, 202]
    assert [(each["message_id"], each["sent"]) for each in await sms.requests()] == [
        ("a", True),
        ("a", False),
        ("b", True),
    ]
    assert await sms.sent() == [{"text": "4021"}] * 2


async def test_it_answers_as_it_is_set_for_as_often_as_it_is_set(sms: Sms) -> None:
    await sms.trouble(answer=503, times=2)

    codes = [(await hand(sms, "a")).status_code for _ in range(3)]

    assert codes == [503, 503, 202]
    assert len(await sms.sent()) == 1


async def test_a_silent_one_has_sent_it(sms: Sms) -> None:
    await sms.trouble(silent=True)

    with pytest.raises(httpx.ReadTimeout):
        await hand(sms, "a")

    assert await sms.sent() == [{"text": "4021"}]
    assert [each["answered"] for each in await sms.requests()] == [None]


async def test_it_forgets_on_request(sms: Sms) -> None:
    await hand(sms, "a")
    await sms.trouble(answer=500)
    await sms.http.delete(f"{sms.url}/control/gateway")

    assert await sms.requests() == []
    assert (await hand(sms, "b")).status_code == 202


@pytest.mark.parametrize("trouble", [{"answer": 200}, {"times": -1}, {"answers": 500}])
async def test_trouble_that_is_none_is_refused(sms: Sms, trouble: dict[str, int]) -> None:
    answer = await sms.http.post(f"{sms.url}/control/gateway", json=trouble)

    assert answer.status_code == 422
