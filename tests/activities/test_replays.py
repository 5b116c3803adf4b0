"""Asking a provider to call back once more: only an outage is tried again."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from activities.replays import ReplayActivities
from tests.activities.attempts import Attempts
from vigil.domain.digest import Digester
from vigil.domain.errors import ProviderError, ProviderRefusesUs, ProviderUnavailable, ReferenceUnknown
from vigil.domain.snapshot import ReadRequest
from vigil.domain.verification_key import VerificationKey, seal_key
from vigil.temporal.messages import ReadInput

MINUTE = timedelta(minutes=1)
DIGESTER = Digester(b"a key for tests")
QUESTION = ReadRequest(key=VerificationKey(account="acme", reference="v-1"))
ORDER = ReadInput(path="acme/v-1", question=QUESTION)


@dataclass
class Replayer:
    """Remembers what it was asked, and fails as a test wants."""

    error: ProviderError | None = None
    asked: list[ReadRequest] = field(default_factory=list)

    async def replay(self, question: ReadRequest) -> None:
        self.asked.append(question)
        if self.error is not None:
            raise self.error


async def test_the_provider_is_asked_by_its_own_reference_where_the_order_has_a_sealed_one() -> None:
    replayer = Replayer()
    sealed = ORDER.model_copy(update={"question": ReadRequest(key=seal_key(QUESTION.key, DIGESTER))})

    await Attempts().next(ReplayActivities({"acme": replayer}, DIGESTER).replay, sealed)

    assert sealed.question.key.reference.startswith("sealed:")
    assert [asked.key.reference for asked in replayer.asked] == ["v-1"]


@pytest.mark.parametrize("error", [None, ReferenceUnknown("http_404"), ProviderRefusesUs("http_403")])
async def test_an_answer_of_the_provider_ends_it(error: ProviderError | None) -> None:
    replayer = Replayer(error)
    await Attempts().next(ReplayActivities({"acme": replayer}, DIGESTER).replay, ORDER)

    assert replayer.asked == [QUESTION]


async def test_an_outage_is_tried_again_when_the_provider_says_so() -> None:
    replayer = Replayer(ProviderUnavailable("http_503", retry_after=MINUTE))
    error = await Attempts().fails(ReplayActivities({"acme": replayer}, DIGESTER).replay, ORDER)

    assert (error.type, error.next_retry_delay) == ("http_503", MINUTE)


async def test_an_account_that_was_taken_out_of_the_settings_is_waited_for() -> None:
    error = await Attempts().fails(ReplayActivities({}, DIGESTER).replay, ORDER)

    assert error.type == "account_not_configured"
