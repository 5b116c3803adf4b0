"""One id in several spellings is one verification, whoever writes it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.api.fakes import Desk
from tests.conformance.cases import KITS, SENDERS, kit_for
from tests.conformance.kit import Condition
from tests.conformance.test_answers import answered, opened
from vigil.errors import InvalidRegistration
from vigil.registration import RegistrationRequest, build_registration

SPELLINGS = [
    pytest.param(provider, sender, spelled, reference, id=f"{provider}-{sender}-{number}")
    for provider, sender in SENDERS
    for reference, others in kit_for(provider, sender).spellings.items()
    for number, spelled in enumerate((reference, *others))
]
IMPOSSIBLE = [(provider, reference) for provider, kit in KITS.items() for reference in kit.impossible]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.mark.parametrize(("provider", "sender", "spelled", "reference"), SPELLINGS)
async def test_a_backend_that_spells_an_id_differently_means_the_same_verification(
    http: httpx.AsyncClient, provider: str, sender: str, spelled: str, reference: str
) -> None:
    account = opened(provider, http, hints=False)

    assert account.provider.normalise_reference(spelled) == reference
    assert account.key_of(spelled).reference == reference
    assert kit_for(provider, sender).spellings[reference], "a kit has at least two spellings"


@pytest.mark.parametrize(("provider", "sender", "spelled", "reference"), SPELLINGS)
async def test_a_callback_that_spells_an_id_differently_wakes_the_same_verification(
    tmp_path: Path, http: httpx.AsyncClient, provider: str, sender: str, spelled: str, reference: str
) -> None:
    account = opened(provider, http, hints=False)
    desk = Desk(tmp_path, account)
    desk.verifications.open.add(reference)

    code = await answered(
        desk, account.name, kit_for(provider, sender).callback(Condition.GENUINE, spelled, datetime.now(UTC))
    )

    assert code == 200
    assert [told for told, _ in desk.verifications.signaled] == [reference]


@pytest.mark.parametrize(("provider", "reference"), IMPOSSIBLE)
async def test_a_reference_that_the_provider_never_gives_is_recognised(
    http: httpx.AsyncClient, provider: str, reference: str
) -> None:
    assert opened(provider, http, hints=False).provider.normalise_reference(reference) is None


@pytest.mark.parametrize(("provider", "reference"), IMPOSSIBLE)
async def test_a_reference_that_the_provider_never_gives_is_refused_at_the_registration(
    http: httpx.AsyncClient, provider: str, reference: str
) -> None:
    account = opened(provider, http, hints=False)
    needed = {each.name: "1" for each in account.provider.coordinates if each.is_required}
    asked = RegistrationRequest(account=account.name, reference=reference, coordinates=needed)

    with pytest.raises(InvalidRegistration) as refused:
        await build_registration(asked, {account.name: account}, (), by="checkout")

    (fault,) = refused.value.faults
    assert (fault.field, reference in fault.detail) == ("reference", False)
    assert fault.detail.startswith("no verification of this provider has it: it is ")
