"""The simulated mail server: what it takes, shows and forgets."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiosmtplib
import httpx
import pytest
import pytest_asyncio

from vigil.messaging.contract import SENT, Outgoing
from vigil.messaging.mail import MailServer, MailServerSender
from vigil.outbound_http import certificates
from vigil.simulator.app import create_app
from vigil.simulator.serving import serving

SOON = timedelta(seconds=5)


@dataclass
class Mail:
    """The simulated mail server, seen from outside."""

    url: str
    http: httpx.AsyncClient

    async def seen(self) -> Any:
        return (await self.http.get(f"{self.url}/control/mail")).json()

    async def received(self) -> list[Any]:
        return list((await self.seen())["received"])

    async def message_sender(self) -> MailServerSender:
        port = (await self.seen())["port"]
        return MailServerSender(MailServer("127.0.0.1", port, "none", "us@sender.example", "Us", "Your verification"))


@pytest_asyncio.fixture
async def mail() -> AsyncIterator[Mail]:
    app = create_app(time_scale=1, mail_at=("127.0.0.1", 0))
    async with serving(app) as url, httpx.AsyncClient(verify=certificates(), trust_env=False) as http:
        yield Mail(url, http)


def outgoing(text: str = "4021 is your code", subject: str | None = None) -> Outgoing:
    return Outgoing("m-1", "one@applicant.example", text, subject)


async def test_it_shows_what_came_to_whom(mail: Mail) -> None:
    handed = await (await mail.message_sender()).send(outgoing("Grüße, 4021", "Für Sie"), within=SOON)

    assert handed == SENT
    shown = [{name: held for name, held in each.items() if name != "at"} for each in await mail.received()]
    assert shown == [
        {
            "sender": "us@sender.example",
            "to": ["one@applicant.example"],
            "subject": "Für Sie",
            "text": "Grüße, 4021\r\n",
        }
    ]


async def test_what_it_is_handed_twice_has_come_twice(mail: Mail) -> None:
    message_sender = await mail.message_sender()
    for _ in range(2):
        await message_sender.send(outgoing(), within=SOON)

    assert [each["text"] for each in await mail.received()] == ["4021 is your code\r\n"] * 2


async def test_the_receivers_are_those_of_the_envelope(mail: Mail) -> None:
    lines = "To: somebody@else.example\r\n\r\nhello\r\n"
    port = (await mail.seen())["port"]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="test") as client:
        await client.sendmail("a@sender.example", ["b@applicant.example", "c@applicant.example"], lines)

    assert [each["to"] for each in await mail.received()] == [["b@applicant.example", "c@applicant.example"]]


async def test_it_forgets_on_request(mail: Mail) -> None:
    await (await mail.message_sender()).send(outgoing(), within=SOON)
    answer = await mail.http.delete(f"{mail.url}/control/mail")

    assert answer.status_code == 204
    assert await mail.received() == []


async def test_it_listens_for_as_long_as_the_simulator_serves() -> None:
    app = create_app(time_scale=1, mail_at=("127.0.0.1", 0))
    async with serving(app) as url, httpx.AsyncClient(verify=certificates(), trust_env=False) as http:
        port = (await http.get(f"{url}/control/mail")).json()["port"]
        socket.create_connection(("127.0.0.1", port)).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


async def test_a_simulator_that_is_not_asked_for_one_has_no_mail_server() -> None:
    async with (
        serving(create_app(time_scale=1)) as url,
        httpx.AsyncClient(verify=certificates(), trust_env=False) as http,
    ):
        assert (await http.get(f"{url}/control/mail")).json() == {"port": None, "received": []}
