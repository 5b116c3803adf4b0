"""Tokens: one login for all who wait, a fresh one where one is refused, and what refusals mean."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from tests.providers.raw_server import Answer, HangUp, Stall, SteadyClock, Told, told
from tests.providers.smile_id.v3.fake_smile_id import LOGIN, FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, KEY, QUESTION, settings, status
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader

STATUS = f"/v3/status/{JOB}"


async def test_parallel_reads_log_in_once(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[STATUS] = told(status())
    smile_id.login_takes = 0.05

    await asyncio.gather(*(reader.read(QUESTION) for _ in range(20)))

    assert smile_id.logins == 1


async def test_a_refused_token_is_renewed_once(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.held[STATUS] = told(status())
    await reader.read(QUESTION)
    smile_id.expire_all_tokens()

    assert (await reader.read(QUESTION)).word == "clear"
    assert smile_id.logins == 2


async def test_a_second_refusal_is_our_fault(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.will_answer(STATUS, told({"status": "Unauthorized"}, 401), told({"status": "Unauthorized"}, 401))

    with pytest.raises(ProviderRefusesUs, match="http_401"):
        await reader.read(QUESTION)
    assert smile_id.logins == 2


async def test_a_token_is_used_for_a_minute_less_than_the_quarter_of_an_hour_that_it_lives(
    smile_id: FakeSmileId, reader: SmileV3Reader, clock: SteadyClock
) -> None:
    smile_id.held[STATUS] = told(status())
    for minutes, logins in ((0, 1), (13.9, 1), (14.1, 2)):
        clock.now = timedelta(minutes=minutes).total_seconds()
        await reader.read(QUESTION)
        assert smile_id.logins == logins


async def test_the_partner_is_named_without_zeros_in_front(smile_id: FakeSmileId, http: httpx.AsyncClient) -> None:
    smile_id.partner = "85"
    account = settings(base_url=smile_id.base_url, partner_id="085")

    await create_login(account, http).renew()

    assert smile_id.logins == 1


@pytest.mark.parametrize("keys", [["retired-key-1", KEY], [KEY, "coming-key-2"]])
async def test_whichever_of_two_keys_is_live_logs_in(
    smile_id: FakeSmileId, http: httpx.AsyncClient, keys: list[str]
) -> None:
    account = settings(base_url=smile_id.base_url, api_key=keys)

    await SmileV3Reader(account, http, create_login(account, http), Links(account, http)).check_login()

    assert smile_id.asked[-1] == f"POST {LOGIN}"


async def test_two_dead_keys_are_refused(smile_id: FakeSmileId, http: httpx.AsyncClient) -> None:
    account = settings(base_url=smile_id.base_url, api_key=["retired-key-1", "retired-key-2"])

    with pytest.raises(ProviderRefusesUs, match="login_401"):
        await create_login(account, http).renew()


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (told({"status": "Bad Request"}, 400), ProviderRefusesUs, "login_400"),
        (told({"status": "Unauthorized"}, 401), ProviderRefusesUs, "login_401"),
        (told({"status": "Forbidden"}, 403), ProviderRefusesUs, "login_403"),
        (Told(404), ProviderUnavailable, "login_404"),
        (Told(429), ProviderUnavailable, "login_429"),
        (Told(500), ProviderUnavailable, "login_500"),
        (Told(200, b"<html>"), ProviderUnavailable, "login_unreadable"),
        (told({"access_token": "x"}), ProviderUnavailable, "login_unreadable"),
        (told({"token": ""}), ProviderUnavailable, "login_unreadable"),
        (told({"token": "two\nlines"}), ProviderUnavailable, "login_unreadable"),
        (HangUp(), ProviderUnavailable, "connection_lost"),
        (Stall(), ProviderUnavailable, "read_timeout"),
    ],
)
async def test_a_login_that_fails_says_whose_fault_it_is(
    smile_id: FakeSmileId, reader: SmileV3Reader, answer: Answer, expected: type[ProviderError], code: str
) -> None:
    smile_id.will_answer(LOGIN, answer)

    with pytest.raises(expected) as caught:
        await reader.check_login()
    assert caught.value.code == code


async def test_a_login_says_when_to_come_again(smile_id: FakeSmileId, reader: SmileV3Reader) -> None:
    smile_id.will_answer(LOGIN, Told(429, headers={"Retry-After": "7"}))

    with pytest.raises(ProviderUnavailable) as caught:
        await reader.check_login()
    assert caught.value.retry_after == timedelta(seconds=7)
