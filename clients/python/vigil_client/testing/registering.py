"""Registrations of the fake: what fits, and which verification it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from vigil_client.testing.refusals import Refused
from vigil_client.testing.requests import RegistrationBody
from vigil_client.testing.verification import FakeAccount, FakeVerification

FARTHEST_DEADLINE: Final = timedelta(days=3650)
_REPEAT_AFTER: Final = "5"
_CREATED_AFTER: Final = "created_after"


@dataclass(frozen=True)
class AtProvider:
    """A verification that the provider has, registered or not."""

    account: str
    reference: str
    coordinates: Mapping[str, str]
    created_at: datetime


class Registry(Protocol):
    """What a registration needs of the fake."""

    now: datetime

    @property
    def accounts(self) -> Mapping[str, FakeAccount]:
        """The accounts, by name."""
        ...

    @property
    def endpoints(self) -> Mapping[str, Any]:
        """The endpoints, by name."""
        ...

    @property
    def at_provider(self) -> list[AtProvider]:
        """What the providers have, the newest last."""
        ...

    @property
    def correlations(self) -> dict[tuple[str, str], str]:
        """The reference that each correlation of an account belongs to."""
        ...

    def find(self, account: str, reference: str) -> FakeVerification | None:
        """Return the verification by its reference or its digest."""
        ...

    def add(self, verification: FakeVerification) -> None:
        """Add a registered verification."""
        ...


def register(body: RegistrationBody, world: Registry) -> tuple[FakeVerification, bool]:
    """Return the registered verification, and whether it was known. Raises `Refused`."""
    account = world.accounts.get(body.account)
    if account is None:
        raise Refused(404, "unknown_account")
    if faults := [f"body.{field}" for field in (*_faults(body, account, world), *_coordinate_faults(body, account))]:
        form = {"body.reference": f"no verification of this provider has it: {account.rules.form}"}
        raise Refused(422, "invalid_request", *faults, details=form if body.reference else None)
    rules = account.rules
    coordinates = {name: rules.read_coordinate(name, value) or "" for name, value in body.coordinates.items()}
    reference = rules.read_reference(body.reference) if body.reference else _find_newest(body, coordinates, world)
    # Coordinates that only find the reference are not needed again.
    kept = {
        name: value for name, value in coordinates.items() if name not in set(rules.found_by) - set(account.coordinates)
    }
    said = {**body.model_copy(update={"coordinates": kept}).said(), "reference": reference}
    found = FakeVerification(
        account=body.account, reference=reference or "", kind=account, body=said, opened_at=world.now
    )
    return _add(found, world)


def _add(found: FakeVerification, world: Registry) -> tuple[FakeVerification, bool]:
    known = world.find(found.account, found.reference)
    if known is not None and known.erasure is not None:
        raise Refused(410, "data_erased")
    correlation = found.body.get("correlation")
    if correlation and world.correlations.setdefault((found.account, correlation), found.reference) != found.reference:
        raise Refused(409, "correlation_taken", "body.correlation")
    if known is None:
        world.add(found)
        return found, False
    if differing := sorted(name for name in {*found.body, *known.body} if found.body.get(name) != known.body.get(name)):
        raise Refused(409, "conflicting_registration", *differing)
    return known, True


def _faults(body: RegistrationBody, account: FakeAccount, world: Registry) -> Iterator[str]:
    rules = account.rules
    if body.reference is not None and rules.read_reference(body.reference) is None:
        yield "reference"
    if body.sender is not None and rules.senders and body.sender not in rules.senders:
        yield "sender"
    if not set(body.notify) <= set(world.endpoints):
        yield "notify"
    for name in ("deadline_at", "review_deadline_at"):
        at: datetime | None = getattr(body, name)
        if at is not None and not world.now < at <= world.now + FARTHEST_DEADLINE:
            yield name


def _coordinate_faults(body: RegistrationBody, account: FakeAccount) -> Iterator[str]:
    rules, needed = account.rules, set(account.coordinates)
    if body.reference is None and not rules.found_by:
        yield "reference"
    if body.reference is None:
        needed |= set(rules.found_by)
    yield from (f"coordinates.{name}" for name in sorted(needed - set(body.coordinates)))
    known = {*account.coordinates, *rules.coordinates}
    for name, value in body.coordinates.items():
        if name not in known:
            yield "coordinates"
        elif rules.read_coordinate(name, value) is None:
            yield f"coordinates.{name}"


def _find_newest(body: RegistrationBody, coordinates: Mapping[str, str], world: Registry) -> str:
    wanted = {name: coordinates[name] for name in world.accounts[body.account].rules.found_by}
    after = datetime.fromisoformat(coordinates[_CREATED_AFTER]) if _CREATED_AFTER in coordinates else None
    for each in reversed(world.at_provider):
        is_it = each.account == body.account and wanted.items() <= each.coordinates.items()
        if is_it and (after is None or each.created_at >= after):
            return each.reference
    raise Refused(409, "process_not_yet_known", headers={"retry-after": _REPEAT_AFTER})
