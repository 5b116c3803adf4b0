"""What all providers with tokens promise: one login for all that wait, a new one after a refusal, and clear errors."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from tests.providers.raw_server import Answer, HangUp, Response, Stall, SteadyClock, TokenServer, json_response
from tests.providers.readers import WITH_TOKEN, TokenCase
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable
from vigil.providers.contract import Reader


@dataclass(frozen=True)
class Running:
    """One case whose server listens."""

    case: TokenCase
    server: TokenServer
    reader: Reader

    async def read(self) -> str | None:
        return (await self.reader.read(self.case.request)).word

    async def read_at_once(self, times: int) -> list[str | BaseException | None]:
        return await asyncio.gather(*(self.read() for _ in range(times)), return_exceptions=True)


@pytest_asyncio.fixture(params=WITH_TOKEN, ids=str)
async def running(
    request: pytest.FixtureRequest, http: httpx.AsyncClient, clock: SteadyClock
) -> AsyncIterator[Running]:
    case: TokenCase = request.param
    async with case.server().listening() as server:
        yield Running(case, server, case.build(server.base_url, http, clock))


@pytest.fixture
def crowded(running: Running, patient_http: httpx.AsyncClient, clock: SteadyClock) -> Running:
    """The same case with a client for many reads at once."""
    return replace(running, reader=running.case.build(running.server.base_url, patient_http, clock))


@pytest.mark.alone
@pytest.mark.parametrize("same_token_always", [False, True])
@pytest.mark.parametrize("provider_says_so", [False, True])
async def test_a_hundred_reads_after_expiry_log_in_once(
    crowded: Running, clock: SteadyClock, *, same_token_always: bool, provider_says_so: bool
) -> None:
    crowded.server.same_token_always = same_token_always
    crowded.server.login_takes = 0.05
    await crowded.read()
    if provider_says_so:
        crowded.server.expire_all_tokens()
    else:
        clock.now += 15 * 60

    assert await crowded.read_at_once(100) == [crowded.case.word] * 100
    assert crowded.server.logins == 2


async def test_reads_that_wait_for_a_login_share_its_failure(crowded: Running) -> None:
    crowded.server.login_takes = 0.05
    crowded.server.will_answer(crowded.case.login, Response(503))

    failures = await crowded.read_at_once(50)

    assert [str(failure) for failure in failures] == ["login_503"] * 50
    assert crowded.server.logins == 1
    assert await crowded.read() == crowded.case.word


async def test_a_token_that_expired_early_costs_one_login(running: Running) -> None:
    await running.read()
    running.server.expire_all_tokens()

    assert await running.read() == running.case.word
    assert running.server.logins == 2


async def test_a_second_401_in_a_row_is_a_refusal(running: Running) -> None:
    running.server.will_answer(running.case.path, Response(401), Response(401))

    with pytest.raises(ProviderRefusesUs, match=r"^http_401$"):
        await running.read()

    assert running.server.logins == 2


async def test_403_is_a_refusal_without_another_login(running: Running) -> None:
    running.server.will_answer(running.case.path, Response(403))

    with pytest.raises(ProviderRefusesUs, match=r"^http_403$"):
        await running.read()

    assert running.server.logins == 1


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Response(400), ProviderRefusesUs, "login_400"),
        (Response(401), ProviderRefusesUs, "login_401"),
        (Response(403), ProviderRefusesUs, "login_403"),
        (Response(301, headers={"Location": "/"}), ProviderUnavailable, "login_301"),
        (Response(404), ProviderUnavailable, "login_404"),
        (Response(429), ProviderUnavailable, "login_429"),
        (Response(500), ProviderUnavailable, "login_500"),
        (Response(502), ProviderUnavailable, "login_502"),
        (Response(200, b"<html>"), ProviderUnavailable, "login_unreadable"),
        (json_response({}), ProviderUnavailable, "login_unreadable"),
        (json_response({"another_field": "x"}), ProviderUnavailable, "login_unreadable"),
        (Stall(), ProviderUnavailable, "read_timeout"),
        (HangUp(), ProviderUnavailable, "connection_lost"),
    ],
)
async def test_a_failed_login_says_who_is_at_fault(
    running: Running, answer: Answer, kind: type[ProviderError], code: str
) -> None:
    # Smile ID tries a second key, where there is one; here there is none.
    running.server.will_answer(running.case.login, answer, answer)

    with pytest.raises(kind, match=f"^{code}$"):
        await running.read()
    with pytest.raises(kind, match=f"^{code}$"):
        await running.reader.check_login()


@pytest.mark.parametrize("token", ["", "two\r\nlines", "é", 7])
async def test_a_token_that_no_header_can_carry_is_unreadable(running: Running, token: object) -> None:
    running.server.will_answer(running.case.login, json_response({running.case.token_field: token}))

    with pytest.raises(ProviderUnavailable, match=r"^login_unreadable$"):
        await running.read()


async def test_a_login_that_is_put_off_says_for_how_long(running: Running) -> None:
    running.server.will_answer(running.case.login, Response(429, headers={"Retry-After": "90"}))

    with pytest.raises(ProviderUnavailable) as caught:
        await running.read()

    assert caught.value.retry_after == timedelta(seconds=90)
