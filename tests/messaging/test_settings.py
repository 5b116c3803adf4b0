"""The settings of message_senders, as they stand in `vigil.toml`, and the message_senders that they open."""

from pathlib import Path

import httpx
import pytest

from vigil.config.settings import Settings, SettingsError, load_settings
from vigil.domain.message import Channel
from vigil.messaging.factory import open_senders
from vigil.messaging.settings import MessageSettings

WHOLE = """
digest_key = "f3e01b7a94c25d8860aa91c7d24be35f"
seal = "off"
[messages.sms]
url = "https://sms.example/v1/messages"
headers = { Authorization = { env = "SMS_AUTHORIZATION" } }
body = { to = ["{to}"], content = { text = "{text}" } }
accepted = [201]
idempotent = true
[messages.email]
host = "mail.example"
username = "vigil"
password = { env = "MAIL_PASSWORD" }
from_address = "no-reply@bank.example"
"""
ENVIRON = {"SMS_AUTHORIZATION": "Bearer 8f2b", "MAIL_PASSWORD": "m41l-9c"}


def load(folder: Path, text: str = WHOLE) -> Settings:
    (folder / "vigil.toml").write_text(text)
    return load_settings(folder / "vigil.toml", environ=ENVIRON)


async def test_each_channel_that_is_set_gets_its_sender(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        message_senders = open_senders(load(tmp_path).messages, http)
        none = open_senders(MessageSettings(), http)

    assert {channel: message_sender.is_idempotent for channel, message_sender in message_senders.items()} == {
        Channel.SMS: True,
        Channel.EMAIL: False,
    }
    assert none == {}


def test_what_is_shown_of_settings_and_message_senders_holds_no_secret(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert "sms.example" in repr(settings)
    assert not any(secret in repr(settings) for secret in ENVIRON.values())


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            '{ env = "SMS_AUTHORIZATION" }',
            '"changeme"',
            "messages.sms.headers.Authorization: is empty or a placeholder",
        ),
        ('["{to}"]', '["someone"]', "messages.sms: body must hold {to} in a text"),
        ('"{text}"', '"{txt}"', "messages.sms: body must hold {text} in a text"),
        ("https://sms", "http://sms", "messages.sms: url must begin with https://, unless allow_private is true"),
        ("[201]", "[500]", "messages.sms.accepted"),
        (
            "idempotent = true",
            "idempotant = true",
            'messages.sms.idempotant: there is no such setting; did you mean "id',
        ),
        ('username = "vigil"', "", "messages.email: give username and password, or neither"),
        ('host = "mail.example"', 'host = "mail.example"\nsecurity = "none"', "messages.email: security must be"),
        ('"no-reply@bank.example"', '"Bank <no-reply@bank.example>"', "messages.email.from_address"),
    ],
)
def test_a_wrong_setting_is_named_with_the_fix(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert before in WHOLE

    with pytest.raises(SettingsError) as caught:
        load(tmp_path, WHOLE.replace(before, after, 1))

    assert sentence in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ENVIRON.values())
