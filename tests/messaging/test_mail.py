"""What becomes of a message that is handed to a mail server, over real SMTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.messaging.mailbox import LOGIN, Mailbox, certificate
from vigil.messaging.contract import SENT, Outgoing, refused, unknown
from vigil.messaging.mail import MailServer, MailServerSender

# What the server warns of are its own habits.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:aiosmtpd.smtp")
OUTGOING = Outgoing("abc-1", "ada@example.test", "4021 is your verification code\n.\nA line with a dot.", "Your code")
SOON = timedelta(seconds=5)


@pytest_asyncio.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    async with mailbox.listening():
        yield mailbox


def message_sender(mailbox: Mailbox, **changes: Any) -> MailServerSender:
    plain: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "from_address": "no-reply@bank.test",
        "from_name": "A Bank",
        "subject": "Your identity verification",
    }
    return MailServerSender(MailServer(**{**plain, **changes}))


async def test_a_message_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    handed = await message_sender(mailbox).send(OUTGOING, within=SOON)

    [mail] = mailbox.taken
    assert handed == SENT
    assert mailbox.receivers == [["ada@example.test"]]
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "A Bank <no-reply@bank.test>",
        "ada@example.test",
        "Your code",
    )
    assert mail["Message-ID"] == "<abc-1@bank.test>"
    assert mail.get_content().splitlines() == OUTGOING.text.splitlines()


async def test_a_message_without_a_subject_gets_ours(mailbox: Mailbox) -> None:
    await message_sender(mailbox).send(Outgoing("abc-1", "ada@example.test", "4021 grüßt"), within=SOON)

    assert mailbox.taken[0]["Subject"] == "Your identity verification"
    assert mailbox.taken[0].get_content().strip() == "4021 grüßt"


async def test_a_subject_cannot_smuggle_a_header_in(mailbox: Mailbox) -> None:
    outgoing = Outgoing("abc-1", "ada@example.test", "4021", "Your code\r\nBcc: eve@example.test")

    await message_sender(mailbox).send(outgoing, within=SOON)

    assert mailbox.taken[0]["Bcc"] is None
    assert mailbox.receivers == [["ada@example.test"]]


async def test_a_subject_without_end_is_cut_and_holds_nobody_up(mailbox: Mailbox) -> None:
    outgoing = Outgoing("abc-1", "ada@example.test", "4021", "ä" * 500_000)

    async with asyncio.timeout(1):
        handed = await message_sender(mailbox).send(outgoing, within=SOON)

    assert handed == SENT
    assert set(mailbox.taken[0]["Subject"]) == {"ä"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.test",
        "ada@example.test, eve@example.test",
        "ada@example.test\r\nBcc: eve@example.test",
        "Ada <ada@example.test>",
        "ädä@example.test",
        "a b@example.test",
        "ada\0@example.test",
        "(" * 5000 + "@example.test",
        "a." * 5000 + "a@example.test",
    ],
    ids=lambda address: ascii(address[:40]),
)
async def test_what_is_no_single_address_is_refused(mailbox: Mailbox, address: str) -> None:
    handed = await message_sender(mailbox).send(Outgoing("abc-1", address, "4021"), within=SOON)

    assert handed == refused("address_not_usable")
    assert mailbox.taken == []


@pytest.mark.parametrize("command", ["at_mail", "at_rcpt", "at_data"])
@pytest.mark.parametrize(
    ("answer", "handed"),
    [("451 later", refused("smtp_451", may_heal=True)), ("550 never", refused("smtp_550"))],
)
async def test_what_the_server_refuses_is_not_sent_and_only_a_passing_refusal_may_heal(
    mailbox: Mailbox, command: str, answer: str, handed: object
) -> None:
    getattr(mailbox, command).append(answer)

    assert await message_sender(mailbox).send(OUTGOING, within=SOON) == handed
    assert mailbox.taken == []


@pytest.mark.parametrize("answer", ["hang up", "stall"])
async def test_a_server_that_falls_silent_with_the_message_in_its_hands_may_have_sent_it(
    mailbox: Mailbox, answer: str
) -> None:
    mailbox.at_data.append(answer)

    handed = await message_sender(mailbox).send(OUTGOING, within=timedelta(seconds=0.5))

    assert handed == unknown("mail_server_cut_off")
    assert len(mailbox.taken) == 1


async def test_a_server_that_is_not_there_may_come_back() -> None:
    handed = await message_sender(Mailbox(port=1)).send(OUTGOING, within=SOON)

    assert handed == refused("mail_server_unreachable", may_heal=True)


async def test_a_server_without_the_wanted_security_is_given_nothing(mailbox: Mailbox) -> None:
    handed = await message_sender(mailbox, security="starttls").send(OUTGOING, within=SOON)

    assert handed == refused("mail_server_unsuitable")
    assert mailbox.taken == []


@pytest.mark.parametrize(("security", "from_the_start"), [("starttls", False), ("tls", True)])
async def test_an_encrypted_server_takes_it_from_who_logs_in(
    tmp_path: Path, security: str, *, from_the_start: bool
) -> None:
    context, trusted = certificate(tmp_path)
    mailbox = Mailbox()
    async with mailbox.listening(context, from_the_start=from_the_start):
        ours = {"security": security, "ca_file": str(trusted), "username": LOGIN[0]}
        handed = await message_sender(mailbox, password=LOGIN[1], **ours).send(OUTGOING, within=SOON)
        stranger = await message_sender(mailbox, password="wrong", **ours).send(OUTGOING, within=SOON)

    assert handed == SENT
    assert stranger == refused("smtp_535")
    assert mailbox.logged_in == [True]
    if security == "starttls":
        assert mailbox.was_encrypted == [True]


@pytest.mark.parametrize(("security", "from_the_start"), [("starttls", False), ("tls", True)])
async def test_a_server_whose_certificate_nobody_vouches_for_is_given_nothing(
    tmp_path: Path, security: str, *, from_the_start: bool
) -> None:
    context, _ = certificate(tmp_path)
    mailbox = Mailbox()
    async with mailbox.listening(context, from_the_start=from_the_start):
        handed = await message_sender(mailbox, security=security).send(OUTGOING, within=SOON)

    assert handed == refused("mail_server_not_trusted")
    assert mailbox.taken == []
