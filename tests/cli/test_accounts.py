from vigil.cli.accounts import describe_sender
from vigil.config.api_settings import ApiSettings
from vigil.domain.sender_contract import CodeRange
from vigil.providers.id360.senders import CONTRACT


def test_a_sender_is_described_with_its_own_times() -> None:
    texts = dict(describe_sender(CONTRACT))

    assert texts["accepts"] == "200–299 within 10 s (ID360's guide)"  # noqa: RUF001 -- as a range is printed
    assert texts["repeats"].startswith("10 s, 1.5 min, 6 min, ")
    assert texts["repeats"].endswith("2.18 h after the first attempt; only the first 6 are certain")
    assert "avoid" not in texts
    assert texts["polls"] == "from 15 min after the registration, every 5 min, then 15 min, then 1 h"
    assert texts["deadline"] == "14 d after the registration"


def test_codes_that_make_a_sender_give_up_are_named() -> None:
    answering = CONTRACT.answering.model_copy(update={"never_again": (CodeRange(first=400, last=400),)})
    contract = CONTRACT.model_copy(update={"answering": answering})

    assert dict(describe_sender(contract))["avoid"] == "400: it gives the callback up"


def test_the_callback_url_is_below_the_public_url_if_there_is_one() -> None:
    assert ApiSettings(public_url="https://callbacks.example.com/").callback_url("acme") == (
        "https://callbacks.example.com/callbacks/acme"
    )
    assert ApiSettings(port=8001).callback_url("acme") == "http://127.0.0.1:8001/callbacks/acme"
