"""Which texts may be sent: genuine ones, and none that leads to a foreign host."""

import pytest

from vigil.domain.message import Channel
from vigil.messaging.text_rules import refuse_text

HOSTS = {"id.example.com"}


@pytest.mark.parametrize(
    "text",
    [
        "4021 is your verification code",
        "Your code is 4021. Do not share it.",
        "Your code is 4021. Valid for 5 min. It costs 12.50 EUR, see no. 3.",
        "Dear A.B. Smith, e.g. at 10.30 a.m., i.e. soon...",
        "Dear Ada, go on here.\nhttps://id.example.com/?session_token=q7h2m0zx4t9k",
        "Code 4021 for example.com",
        "Go on here (https://id.example.com/?t=a.bc.de), or here: https://id.example.com.",
        "Please wait...then go on",
        "Ihr Code: 4021\u200b. Bitte nicht weitergeben.",
    ],
)
def test_a_text_without_a_foreign_link_is_sent(text: str) -> None:
    assert refuse_text(text, Channel.SMS, HOSTS) is None


@pytest.mark.parametrize(
    "text",
    [
        "Sign in at https://evil.example/x",
        "Sign in at HTTPS://EVIL.EXAMPLE",
        "Sign in at evil.example",
        "Sign in at evil.example/login",
        "Sign in at www.evil.example now",
        "https://id.example.com.evil.example/",
        "https://id.example.com@evil.example/",
        "https://evil.example/?id.example.com",
        "https://[::1",
        "https://id.example.com,https://evil.example",
        "https://id.example.com/?next=https://evil.example",
        "https:\\\\evil.example",
        "wait...evil.example",
        "evil.examplehttps://id.example.com/",
        "http:/evil.example",
        "myapp://open?to=evil",
        "evil\uff0eexample",
        "evil\u3002example",
        "ev\u200bil.example",
        "\uff28\uff54\uff54\uff50\uff53://evil.example",
        "https://203.0.113.7/x",
        "Your code is 4021.Valid for 5 min",  # a telephone makes a link of it
        "fake-example.com",
        "notid.example.com",
        "xn--80ak6aa92e.com",
        "\u0430\u0440\u0440\u04cf\u0435.com",
        "Good https://id.example.com/ and bad evil.example",
    ],
)
def test_a_text_with_a_foreign_link_is_refused(text: str) -> None:
    assert refuse_text(text, Channel.SMS, HOSTS) == "foreign_link"


def test_a_text_is_at_most_as_long_as_its_channel_allows() -> None:
    assert refuse_text("x" * 1000, Channel.SMS, HOSTS) is None
    assert refuse_text("x" * 1001, Channel.SMS, HOSTS) == "text_too_long"
    assert refuse_text("x" * 20_000, Channel.EMAIL, HOSTS) is None
    assert refuse_text("x" * 20_001, Channel.EMAIL, HOSTS) == "text_too_long"
