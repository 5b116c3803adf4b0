from vigil.cli.accounts import _habits
from vigil.config.settings import ApiSettings
from vigil.domain.sender_contract import CodeRange
from vigil.providers.id360.senders import CONTRACT


def test_a_senders_habits_are_said_in_its_own_times() -> None:
    said = dict(_habits(CONTRACT))

    assert said["it accepts"] == "200–299 within 10 s"  # noqa: RUF001 -- as a range is printed
    assert said["it repeats"].startswith("10 s, 1.5 min, 6 min, ")
    assert said["it repeats"].endswith("2.18 h after the first attempt; only the first 6 are certain")
    assert "we avoid" not in said
    assert said["we poll"] == "from 15 min after the registration, every 5 min, then 15 min, then 1 h"
    assert said["we give up"] == "14 d after the registration"


def test_codes_that_stop_a_sender_are_said() -> None:
    answering = CONTRACT.answering.model_copy(update={"never_again": (CodeRange(first=400, last=400),)})
    contract = CONTRACT.model_copy(update={"answering": answering})

    assert dict(_habits(contract))["we avoid"] == "400: it gives the callback up"


def test_the_callback_url_is_the_public_one_where_there_is_one() -> None:
    assert ApiSettings(public_url="https://callbacks.example.com/").callback_url("acme") == (
        "https://callbacks.example.com/callbacks/acme"
    )
    assert ApiSettings(port=8001).callback_url("acme") == "http://127.0.0.1:8001/callbacks/acme"
