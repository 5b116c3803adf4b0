"""From a callback to its events."""

from datetime import timedelta

from tests.api.fakes import CONTRACT, Acme, account_of
from vigil.callback_mapping import repeat_period
from vigil.domain.sender_contract import Redelivery


def test_an_event_of_an_unnamed_sender_may_come_again_for_as_long_as_any_senders() -> None:
    patient = CONTRACT.model_copy(
        update={"sender": "patient", "redelivery": Redelivery(delays=(timedelta(hours=10),), counted_from="first")}
    )
    provider = Acme()
    provider.contracts = {"acme": CONTRACT, "patient": patient}
    account = account_of(provider)

    assert repeat_period(account, "acme") == timedelta(seconds=10)
    assert repeat_period(account, None) == timedelta(hours=10, seconds=20)
    assert repeat_period(account, "stranger") == timedelta(hours=10, seconds=20)
