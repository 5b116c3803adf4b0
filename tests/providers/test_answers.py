"""What every reader makes of the answers that any server, proxy or network may give."""

from datetime import timedelta

import httpx
import pytest

from tests.providers.raw_server import Answer, HangUp, Response, Stall, SteadyClock
from tests.providers.readers import READERS, ReaderCase
from vigil.domain.errors import ProviderUnavailable

FAILURES: dict[str, tuple[Answer, str, timedelta | None]] = {
    "409": (Response(409), "http_409", None),
    "429": (Response(429), "http_429", None),
    "429 in seconds": (Response(429, headers={"Retry-After": "30"}), "http_429", timedelta(seconds=30)),
    "429 by a past date": (
        Response(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        "http_429",
        timedelta(0),
    ),
    "429 with nonsense": (Response(429, headers={"Retry-After": "soon"}), "http_429", None),
    "500": (Response(500), "http_500", None),
    "502 with a page": (Response(502, b"<html>"), "http_502", None),
    "503": (Response(503, headers={"Retry-After": "7"}), "http_503", timedelta(seconds=7)),
    "redirect": (Response(302, headers={"Location": "https://elsewhere.example/"}), "http_302", None),
    "a page": (Response(200, b"<html>Be right back</html>", {"Content-Type": "text/html"}), "not_json", None),
    "half a result": (Response(200, b'{"status": "OK"'), "not_json", None),
    "an empty body": (Response(200), "not_json", None),
    "a cut body": (Response(200, b'{"id": 7', announced=500), "cut_short", None),
    "a body without end": (Response(200, b" " * (32 * 1024 * 1024 + 1)), "answer_too_large", None),
    "silence": (Stall(), "read_timeout", None),
    "reset": (HangUp(), "connection_lost", None),
    "no gzip": (Response(200, b"plain", {"Content-Encoding": "gzip"}), "undecodable", None),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("case", READERS, ids=str)
async def test_an_answer_without_a_result_is_unavailable(
    http: httpx.AsyncClient,
    clock: SteadyClock,
    case: ReaderCase,
    failure: str,
) -> None:
    answer, code, retry_after = FAILURES[failure]
    async with case.server().listening() as server:
        server.will_answer(case.path, answer)

        with pytest.raises(ProviderUnavailable) as caught:
            await case.build(server.base_url, http, clock).read(case.request)

    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)


@pytest.mark.parametrize("case", READERS, ids=str)
async def test_the_next_read_after_a_failure_returns_the_result(
    http: httpx.AsyncClient, clock: SteadyClock, case: ReaderCase
) -> None:
    async with case.server().listening() as server:
        server.will_answer(case.path, HangUp())
        reader = case.build(server.base_url, http, clock)

        with pytest.raises(ProviderUnavailable):
            await reader.read(case.request)

        assert (await reader.read(case.request)).word == case.word


@pytest.mark.parametrize("case", READERS, ids=str)
async def test_a_server_that_does_not_listen_is_unavailable(
    http: httpx.AsyncClient, clock: SteadyClock, case: ReaderCase
) -> None:
    with pytest.raises(ProviderUnavailable, match="connect_failed"):
        await case.build("http://127.0.0.1:1", http, clock).read(case.request)
