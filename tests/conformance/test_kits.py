"""Every registered provider brings a whole kit, and a kit leaves out only what its sender cannot have."""

import pytest

from tests.conformance.cases import KITS, SENDERS, contract_of, kit_for
from tests.conformance.kit import MAY_BE_ABSENT, Condition, KitMissing, kit_of
from vigil.domain.terms import Proof
from vigil.providers.registry import PROVIDERS
from vigil.simulator.registry import SIMULATED


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_registered_provider_brings_a_kit_and_is_played(provider: str) -> None:
    kit = kit_of(provider)

    assert set(kit.senders) == set(PROVIDERS[provider].contracts)
    assert provider in SIMULATED
    assert SIMULATED[provider].markers


def test_a_provider_without_a_kit_learns_which_file_to_write() -> None:
    with pytest.raises(KitMissing) as missing:
        kit_of("nobody")

    assert str(missing.value) == (
        "Provider nobody brings no conformance kit: write tests/providers/nobody/kit.py with `KIT: Kit`."
    )


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_a_kit_leaves_out_only_what_may_be_absent_and_says_why(provider: str, sender: str) -> None:
    absent = kit_for(provider, sender).absent

    assert set(absent) <= MAY_BE_ABSENT
    assert all(len(reason.split()) > 3 for reason in absent.values())


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_what_a_contract_promises_is_not_declared_absent(provider: str, sender: str) -> None:
    kit, contract = kit_for(provider, sender), contract_of(provider, sender)
    is_proven = contract.proof is not Proof.NONE

    assert (Condition.STALE in kit.absent) == (contract.max_age is None)
    assert (Condition.UNPROVEN in kit.absent) == (KITS[provider].unproven_settings is None)
    assert not (is_proven and {Condition.FORGED, Condition.WRONG_SECRET} & set(kit.absent))
    assert not (contract.proof is Proof.SECRET and Condition.SECOND_SECRET in kit.absent)


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_every_condition_has_a_row_in_the_table_of_answers_or_is_absent(provider: str, sender: str) -> None:
    kit = kit_for(provider, sender)
    answered = {row.condition for row in kit.answers}

    assert answered | set(kit.absent) == set(Condition)
    assert not answered & set(kit.absent)


@pytest.mark.parametrize(("provider", "sender"), SENDERS)
def test_the_end_comes_while_polls_are_at_their_shortest(provider: str, sender: str) -> None:
    watch = contract_of(provider, sender).tracking
    shortest = [plan.steps[0].until for plan in watch.polls.values()]

    assert all(until is None or kit_for(provider, sender).final_at < until for until in shortest)
