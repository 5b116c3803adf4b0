"""What becomes of a message that is handed to an HTTP gateway, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import JsonValue

from tests.activities.backend import Answer, Backend
from vigil.messaging.contract import SENT, Outgoing, SendResult, refused, unknown
from vigil.messaging.gateway import Gateway, GatewaySender
from vigil.outbound_http import certificates

OUTGOING = Outgoing("abc-1", "+12025550147", '4021 {to} {id} "is" your\ncode')
SOON = timedelta(seconds=5)
BODY: Mapping[str, JsonValue] = {
    "to": ["{to}"],
    "sms": {"text": "{text}", "class": 1},
    "ref": "our {id}",
    "flash": None,
}


@pytest_asyncio.fixture
async def backend() -> AsyncIterator[Backend]:
    async with Backend().listening() as backend:
        yield backend


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=certificates(), timeout=httpx.Timeout(30, read=1), trust_env=False) as client:
        yield client


def message_sender(http: httpx.AsyncClient, url: str, **changes: Any) -> GatewaySender:
    return GatewaySender(Gateway(**{"url": url, "body": BODY, "allow_private": True, **changes}), http)


async def test_the_template_is_filled_with_values_that_stay_values(backend: Backend, http: httpx.AsyncClient) -> None:
    url = f"http://127.0.0.1:{backend.port}/sms?flow=1"

    handed = await message_sender(http, url, headers={"Authorization": "Bearer x"}).send(OUTGOING, within=SOON)

    [told] = backend.told
    assert handed == SENT
    assert told.target == "POST /sms?flow=1"
    assert told.json == {
        "to": ["+12025550147"],
        "sms": {"text": '4021 {to} {id} "is" your\ncode', "class": 1},
        "ref": "our abc-1",
        "flash": None,
    }
    assert told.headers["authorization"] == "Bearer x"
    assert told.headers["idempotency-key"] == "abc-1"


@pytest.mark.parametrize(
    ("answer", "handed"),
    [
        (200, SENT),
        (202, SENT),
        (204, SENT),
        (302, refused("http_302")),
        (400, refused("http_400")),
        (401, refused("http_401")),
        (429, refused("http_429", may_heal=True)),
        (500, unknown("http_500")),
        (503, unknown("http_503")),
        ("silence", unknown("gateway_timeout")),
        ("hang up", unknown("gateway_cut_off")),
        ("drip", SENT),
    ],
)
async def test_its_answer_says_whether_it_was_sent(
    backend: Backend, http: httpx.AsyncClient, answer: Answer, handed: SendResult
) -> None:
    backend.answers.append(answer)

    assert await message_sender(http, f"http://127.0.0.1:{backend.port}/").send(OUTGOING, within=SOON) == handed
    assert len(backend.told) == 1


@pytest.mark.parametrize(
    ("number", "handed"),
    [
        ("+49 151 1234567", SENT),
        ("0049 (151) 1234567", SENT),
        ("+4315112345", refused("prefix_not_allowed")),
        ("0151 1234567", refused("prefix_not_allowed")),
        ("49151123456", refused("prefix_not_allowed")),
        ("+1 4915112345", refused("prefix_not_allowed")),
    ],
)
async def test_a_number_with_a_prefix_that_the_settings_do_not_name_gets_nothing(
    backend: Backend, http: httpx.AsyncClient, number: str, handed: SendResult
) -> None:
    german = message_sender(http, f"http://127.0.0.1:{backend.port}/", prefixes=("+49",))

    assert await german.send(Outgoing("m-1", number, "4021"), within=SOON) == handed
    assert len(backend.told) == (handed == SENT)


async def test_only_the_codes_of_the_settings_mean_sent_where_there_are_some(
    backend: Backend, http: httpx.AsyncClient
) -> None:
    backend.answers.extend([201, 200])
    strict = message_sender(http, f"http://127.0.0.1:{backend.port}/", accepted=frozenset({201}))

    handed = [await strict.send(OUTGOING, within=SOON) for _ in range(2)]

    assert handed == [SENT, refused("http_200")]


@pytest.mark.parametrize(
    "number",
    ["", "ada", "+12025550147,+12025550148", "+12025550147;+12025550148", "+1202\r\n5550147", "+1202+5550147", "+" * 9],
)
async def test_what_is_no_single_number_is_refused(backend: Backend, http: httpx.AsyncClient, number: str) -> None:
    sms = message_sender(http, f"http://127.0.0.1:{backend.port}/")

    assert await sms.send(Outgoing("abc-1", number, "4021"), within=SOON) == refused("address_not_usable")
    assert backend.connections == 0


@pytest.mark.parametrize("number", ["+12025550147", "12025550147", "+1 (202) 555-01.47", "00995555123456"])
async def test_a_number_is_passed_on_as_it_was_written(backend: Backend, http: httpx.AsyncClient, number: str) -> None:
    sms = message_sender(http, f"http://127.0.0.1:{backend.port}/")

    assert await sms.send(Outgoing("abc-1", number, "4021"), within=SOON) == SENT
    assert backend.told[0].json["to"] == [number]


async def test_a_gateway_that_cannot_be_reached_was_given_nothing(http: httpx.AsyncClient) -> None:
    there_is_none = [message_sender(http, "http://127.0.0.1:1/"), message_sender(http, "http://no-such-host.invalid/")]

    handed = [await each.send(OUTGOING, within=SOON) for each in there_is_none]

    assert handed == [refused("gateway_unreachable", may_heal=True)] * 2


async def test_a_resolver_that_never_answers_leaves_nothing_sent(http: httpx.AsyncClient) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    stalled = GatewaySender(Gateway("https://sms.example/", BODY), http, resolve=resolve)

    assert await stalled.send(OUTGOING, within=SOON) == refused("gateway_unreachable", may_heal=True)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "::1", "fe80::1%1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0", "100.64.0.1"],
)
async def test_no_writing_of_a_private_address_is_called(http: httpx.AsyncClient, address: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [address]

    gateway = GatewaySender(Gateway("https://sms.example/", BODY), http, resolve=resolve)

    assert await gateway.send(OUTGOING, within=SOON) == refused("gateway_is_private")


async def test_a_private_address_is_refused_unless_it_is_allowed(backend: Backend, http: httpx.AsyncClient) -> None:
    handed = await message_sender(http, f"http://localhost:{backend.port}/", allow_private=False).send(
        OUTGOING, within=SOON
    )

    assert handed == refused("gateway_is_private")
    assert backend.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    backend: Backend, http: httpx.AsyncClient
) -> None:
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    gateway = Gateway(f"http://sms.example:{backend.port}/", BODY, allow_private=True)
    handed = await GatewaySender(gateway, http, resolve=resolve).send(OUTGOING, within=SOON)

    assert handed == SENT
    assert asked == ["sms.example"]
    assert backend.told[0].headers["host"] == f"sms.example:{backend.port}"
