"""One round over what a provider lists: which verifications it starts to track, and what stops it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activities.discovery import DiscoveryActivities, DiscoveryPlan
from tests.activities.attempts import NOW, Attempts
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.verification_key import VerificationKey
from vigil.providers.contract import FoundVerification
from vigil.temporal.messages import DiscoverInput, DiscoveryResult

HOUR = timedelta(hours=1)
ORDER = DiscoverInput(account="acme", since=NOW - HOUR, until=NOW, starts_every=timedelta(0))


@dataclass
class Listing:
    """Lists these references, and then fails if a test wants it."""

    references: Sequence[str]
    error: ProviderUnavailable | None = None
    by: tuple[str, ...] = ()
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        return ()

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        self.asked.append((since, until))
        for reference in self.references:
            yield FoundVerification(reference=reference, created_at=since)
        if self.error is not None:
            raise self.error


@dataclass
class Tracked:
    """Takes up what it does not know yet."""

    known: set[str]
    taken_up: list[str] = field(default_factory=list)

    async def __call__(self, key: VerificationKey) -> bool:
        if key.reference in self.known:
            return False
        self.known.add(key.reference)
        self.taken_up.append(key.reference)
        return True


def plans(listing: Listing) -> Mapping[str, DiscoveryPlan]:
    plan = DiscoveryPlan(finder=listing, every=HOUR, grace=HOUR, overlap=HOUR, starts_every=timedelta(0))
    return {"acme": plan}


async def test_all_that_is_listed_and_not_known_is_tracked_also_behind_an_impossible_reference() -> None:
    listing, tracked = Listing(["v-1", "", "v-2", "v-3"]), Tracked(known={"v-2"})
    attempts = Attempts()
    result = await attempts.next(DiscoveryActivities(plans(listing), tracked).discover, ORDER)

    assert result == DiscoveryResult(until=NOW, listed=4, started=2)
    assert tracked.taken_up == ["v-1", "v-3"]
    assert listing.asked == [(NOW - HOUR, NOW)]
    assert attempts.heartbeats == 4


async def test_a_list_that_breaks_off_is_tried_again_when_the_provider_says_so() -> None:
    listing = Listing(["v-1"], error=ProviderUnavailable("http_503", retry_after=HOUR))
    tracked = Tracked(known=set())
    discover = DiscoveryActivities(plans(listing), tracked).discover
    error = await Attempts().fails(discover, ORDER)
    listing.error = None
    result = await Attempts().next(discover, ORDER)

    assert (error.type, error.next_retry_delay) == ("http_503", HOUR)
    assert (result.listed, result.started, tracked.taken_up) == (1, 0, ["v-1"])


async def test_an_account_that_was_taken_out_of_the_settings_is_waited_for() -> None:
    error = await Attempts().fails(DiscoveryActivities({}, Tracked(known=set())).discover, ORDER)

    assert error.type == "account_not_configured"
