"""Tokens: one login for all who wait, a fresh one where one is refused, and what refusals mean."""

from datetime import timedelta

import httpx
import pytest

from tests.providers.raw_server import SteadyClock, json_response
from tests.providers.smile_id.v3.fake_smile_id import LOGIN, FakeSmileId
from tests.providers.smile_id.v3.samples import JOB, KEY, QUESTION, settings, status
from vigil.domain.errors import ProviderRefusesUs
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader

STATUS = f"/v3/status/{JOB}"


async def test_a_token_is_used_for_a_minute_less_than_the_quarter_of_an_hour_that_it_lives(
    smile_id: FakeSmileId, reader: SmileV3Reader, clock: SteadyClock
) -> None:
    smile_id.held[STATUS] = json_response(status())
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

    assert [each for each in smile_id.asked if each.startswith("POST")][-1] == f"POST {LOGIN}"


async def test_two_dead_keys_are_refused(smile_id: FakeSmileId, http: httpx.AsyncClient) -> None:
    account = settings(base_url=smile_id.base_url, api_key=["retired-key-1", "retired-key-2"])

    with pytest.raises(ProviderRefusesUs, match="login_401"):
        await create_login(account, http).renew()


async def test_a_login_that_may_not_ask_from_this_address_is_a_refusal_of_the_address(
    smile_id: FakeSmileId, reader: SmileV3Reader
) -> None:
    nobodys = "/v3/status/job_00000000000000000000000000"
    smile_id.will_answer(nobodys, json_response({"status": "Forbidden", "message": "IP not in allowlist"}, 403))

    with pytest.raises(ProviderRefusesUs, match=r"^address_not_allowed$"):
        await reader.check_login()
