"""Reading `Retry-After`, bounding answers, and the client that all providers share."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from vigil.domain.errors import ProviderUnavailable
from vigil.providers.transport import exchange, open_http, parse_retry_after

NOW = datetime(2031, 3, 4, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        (" 7 ", timedelta(seconds=7)),
        ("Tue, 04 Mar 2031 09:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 04 Mar 2031 09:05:00 -0000", timedelta(minutes=5)),
        ("Tue, 04 Mar 2031 08:59:59 GMT", timedelta(0)),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("Tue, 99 Mar 2031 09:05:00 GMT", None),
        ("tomorrow", None),
    ],
)
def test_a_time_to_wait_is_read_in_both_spellings(text: str, wait: timedelta | None) -> None:
    assert parse_retry_after(httpx.Headers({"Retry-After": text}), now=NOW) == wait


def test_no_header_is_no_time_to_wait() -> None:
    assert parse_retry_after(httpx.Headers(), now=NOW) is None


async def test_an_answer_that_drips_for_ever_ends(http_that_drips: str) -> None:
    async with open_http() as http:
        request = http.build_request("GET", http_that_drips)

        with pytest.raises(ProviderUnavailable, match=r"^answer_timeout$"):
            await exchange(http, request, within=timedelta(seconds=0.2))


async def test_an_answer_is_left_as_soon_as_it_is_too_large(http_that_drips: str) -> None:
    async with open_http() as http:
        with pytest.raises(ProviderUnavailable, match=r"^answer_too_large$"):
            await exchange(http, http.build_request("GET", http_that_drips), largest=3)


async def test_the_shared_client_follows_no_redirect_and_no_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, http_that_redirects: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with open_http() as http:
        answer = await exchange(http, http.build_request("GET", http_that_redirects))

    assert answer.status == 302


async def test_the_shared_client_waits_5_s_to_connect_and_10_s_to_read() -> None:
    async with open_http() as http:
        assert (http.timeout.connect, http.timeout.read) == (5, 10)
