from datetime import timedelta

import pytest

from cli.accounts import _habits, callback_url
from domain.sender import CodeRange, Redelivery
from providers.id360.senders import CONTRACT
from settings import ApiSettings, Settings, StorageSettings


def settings(**api: object) -> Settings:
    return Settings.model_validate(
        {"digest_key": "0123456789abcdef", "storage": StorageSettings(url="file:///x"), "api": ApiSettings(**api)}  # type: ignore[arg-type]
    )


def test_a_senders_habits_are_said_in_its_own_times() -> None:
    said = dict(_habits(CONTRACT))

    assert said["it accepts"] == "200 to 299 within 10 s"
    assert said["it repeats"] == "6 or 7 times, 10 s, 1.5 min, 6 min … 2.18 h after the first attempt"
    assert said["we poll"] == "from 15 min after the registration, every 5 min, then 15 min, then 1 h"
    assert said["we give up"] == "14 d after the registration"


@pytest.mark.parametrize(
    ("delays", "counted_from", "said"),
    [
        ((), "previous", "never: a callback that we miss does not come again"),
        ((10,), "previous", "1 time, 10 s after the first attempt"),
        ((30, 120), "first", "2 times, 30 s, 2 min after the first attempt"),
        ((60, 60, 60), "previous", "3 times, 1 min, 2 min, 3 min after the first attempt"),
    ],
)
def test_redeliveries_are_said_from_the_first_attempt_on(delays: tuple[int, ...], counted_from: str, said: str) -> None:
    redelivery = Redelivery.model_validate(
        {"delays": tuple(timedelta(seconds=delay) for delay in delays), "counted_from": counted_from}
    )
    contract = CONTRACT.model_copy(update={"redelivery": redelivery})

    assert dict(_habits(contract))["it repeats"] == said


def test_codes_that_stop_a_sender_are_said() -> None:
    answering = CONTRACT.answering.model_copy(update={"never_again": (CodeRange(first=400, last=400),)})
    contract = CONTRACT.model_copy(update={"answering": answering})

    assert dict(_habits(contract))["it accepts"] == "200 to 299 within 10 s; never comes again after 400"


def test_the_callback_url_is_the_public_one_where_there_is_one() -> None:
    assert callback_url(settings(public_url="https://callbacks.example.com/"), "acme") == (
        "https://callbacks.example.com/callbacks/acme"
    )
    assert callback_url(settings(port=8001), "acme") == "http://127.0.0.1:8001/callbacks/acme"
