"""Register a verification: check the request, find a missing reference at the provider, and signal the workflow."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from vigil.config.accounts import OpenAccount
from vigil.domain.digest import Digester
from vigil.domain.errors import ReferenceUnknown
from vigil.domain.models import StrictModel
from vigil.domain.registration import Registration, Wanted
from vigil.domain.snapshot import Coordinates
from vigil.domain.terms import EvidenceKind, Name, SessionKind, Word, WrittenInstant
from vigil.domain.verification_key import Reference, VerificationKey
from vigil.errors import (
    CoordinatesUnknown,
    CorrelationTaken,
    DataErased,
    FieldFault,
    InvalidRegistration,
    ReferenceNotFoundYet,
    UnknownAccount,
)
from vigil.providers.contract import VerificationFinder
from vigil.storage.contract import Storage
from vigil.storage.correlations import Correlations
from vigil.storage.tombstones import Tombstones
from vigil.temporal.client import RegistrationResult, VerificationClient

FARTHEST_DEADLINE: Final = timedelta(days=3650)
REPEAT_AFTER: Final = timedelta(seconds=5)
Correlation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class RegistrationRequest(StrictModel):
    """What a backend knows about a verification that it has created at the provider."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "sandbox",
                    "reference": "4711",
                    "applicant": "customer-2047",
                    "evidence": ["document_front", "portrait"],
                    "deadline_at": "2031-12-17T12:00:00Z",
                    "notify": ["checkout"],
                }
            ]
        }
    )

    account: Name = Field(description="the account's name in the settings")
    reference: Reference | None = Field(
        None,
        description="the provider's id of the verification. If the provider does not return it at the creation, give "
        "coordinates instead: the newest verification that they fit is registered, and the response has its reference",
    )
    correlation: Correlation | None = Field(None, description="the last part of the callback URL, if you set one")
    coordinates: Coordinates = Field(
        default_factory=dict, description="further ids that requests to the provider need, by name"
    )
    sender: Name | None = None
    session_kind: SessionKind | None = None
    expects: tuple[EvidenceKind, ...] = Field((), max_length=20, description="kinds of files that will surely exist")
    evidence: Wanted = Field("all", description="kinds of files to download")
    applicant: Word | None = Field(
        None, description="your opaque id of the person; never a name and never an email address"
    )
    deadline_at: WrittenInstant | None = None
    review_deadline_at: WrittenInstant | None = Field(
        None, description="how long to wait for a reviewer at the provider"
    )
    notify: tuple[Name, ...] = Field((), max_length=8, description="names of `[endpoints]` in the settings")


async def build_registration(
    request: RegistrationRequest, accounts: Mapping[str, OpenAccount], endpoints: Collection[str], *, by: Name
) -> Registration:
    """Return the signal that registers the verification. Without a reference, ask the provider for it.

    Raises:
        UnknownAccount: the settings have no such account.
        InvalidRegistration: fields do not fit.
        ReferenceNotFoundYet: the provider has no verification for the coordinates yet.
        CoordinatesUnknown: the provider does not know the coordinates.
        ProviderError: the provider refuses our credentials, or gave no usable answer.

    """
    account = accounts.get(request.account)
    if account is None:
        raise UnknownAccount(accounts)
    request = request.model_copy(update={"coordinates": _normalise(request.coordinates, account)})
    now = datetime.now(UTC)
    faults = [*_faults(request, account, endpoints, now), *_coordinate_faults(request, account)]
    if faults:
        raise InvalidRegistration(faults)
    reference = request.reference or await _find_reference(request, account)
    # Coordinates that only the finder needs are not needed again.
    only_to_find = account.provider.finder.by if account.provider.finder else ()
    kept = {each.name for each in account.provider.coordinates if each.is_required or each.name not in only_to_find}
    taken_over = request.model_dump(exclude={"account", "reference", "coordinates"})
    return Registration(
        key=account.key_of(reference),
        coordinates={name: value for name, value in request.coordinates.items() if name in kept},
        registered_at=now,
        registered_by=by,
        **taken_over,
    )


@dataclass(frozen=True)
class Registrar:
    """Registers verifications. Needs no worker."""

    accounts: Mapping[str, OpenAccount]
    endpoints: Collection[str]
    tracker: VerificationClient
    storage: Storage
    digester: Digester
    completion_endpoints: Collection[str] = ()
    """Those of `endpoints` that are notified also when a verification is complete."""

    async def register(self, request: RegistrationRequest, *, by: Name) -> tuple[VerificationKey, RegistrationResult]:
        """Register a verification; repeating it is harmless.

        Raises:
            RegistrationRefused, UnknownAccount, ProviderError, StorageUnavailable: see `prepare`.
            ConflictingRegistration: it is registered with other values.
            RPCError: Temporal did not accept the registration; repeat it.

        """
        registration = await self.prepare(request, by=by)
        return registration.key, await self.tracker.register(registration)

    async def build(self, request: RegistrationRequest, *, by: Name) -> Registration:
        """Return the signal that registers the verification, and store nothing. Raises as `build_registration`."""
        registration = await build_registration(request, self.accounts, self.endpoints, by=by)
        return registration.notifying_completion(self.completion_endpoints)

    async def prepare(self, request: RegistrationRequest, *, by: Name) -> Registration:
        """Return the signal that registers the verification, once its correlation is stored.

        The correlation is stored first, so that no callback arrives with a correlation that is not known yet.

        Raises:
            UnknownAccount, RegistrationRefused, ProviderError: see `build_registration`.
            DataErased: the data of the verification was erased.
            CorrelationTaken: the correlation belongs to another verification.
            StorageUnavailable: the correlation could not be stored; repeat the registration.

        """
        registration = await self.build(request, by=by)
        key, correlation = registration.key, registration.correlation
        if await Tombstones(self.storage).exists(self.tracker.path(key)):
            raise DataErased
        if correlation is not None:
            mark = digest_correlation(self.digester, key.account, correlation)
            if await Correlations(self.storage).remember(key.account, mark, key.reference) != key.reference:
                # A callback that names only its correlation would be applied to the wrong verification.
                raise CorrelationTaken
        return registration


def digest_correlation(digester: Digester, account: str, correlation: str) -> str:
    """Return the name under which a correlation is stored. It is keyed, since a correlation may be guessable."""
    return digester.digest("correlation", f"{account}\0{correlation}")


def _faults(
    request: RegistrationRequest, account: OpenAccount, endpoints: Collection[str], now: datetime
) -> Iterator[FieldFault]:
    if request.reference is not None and account.provider.normalise_reference(request.reference) is None:
        yield FieldFault("reference", f"no verification of this provider has it: {account.provider.reference_form}")
    if request.sender is not None and request.sender not in account.contracts:
        yield FieldFault("sender", f"must be one of {', '.join(sorted(account.contracts))}")
    if not set(request.notify) <= set(endpoints):
        names = ", ".join(sorted(endpoints)) or "none"
        yield FieldFault("notify", f"names an endpoint that is not in the settings; they have {names}")
    for name, at in (("deadline_at", request.deadline_at), ("review_deadline_at", request.review_deadline_at)):
        if at is not None and at <= now:
            yield FieldFault(name, "has passed")
        if at is not None and at > now + FARTHEST_DEADLINE:
            yield FieldFault(name, "is more than ten years away")


def _normalise(coordinates: Coordinates, account: OpenAccount) -> Coordinates:
    """Return the coordinates in their one spelling. What does not fit stays as it is, to be refused."""
    known = {each.name: each for each in account.provider.coordinates}
    return {name: known[name].read(value) or value if name in known else value for name, value in coordinates.items()}


def _coordinate_faults(request: RegistrationRequest, account: OpenAccount) -> Iterator[FieldFault]:
    known = {each.name: each for each in account.provider.coordinates}
    finder = account.provider.finder
    required = {each.name for each in known.values() if each.is_required}
    needed = set(required)
    if request.reference is None and finder is None:
        yield FieldFault("reference", "is required: this provider cannot find it by other fields")
    if request.reference is None and finder is not None:
        needed |= set(finder.by)
    for name in sorted(needed - set(request.coordinates)):
        alternative = "" if name in required else " (or give `reference`)"
        yield FieldFault(f"coordinates.{name}", f"is required: {known[name].description}{alternative}")
    for name, value in request.coordinates.items():
        if name not in known:
            yield FieldFault("coordinates", _say_allowed(known))
        elif known[name].read(value) is None:
            yield FieldFault(f"coordinates.{name}", f"does not fit: {known[name].description}")


def _say_allowed(known: Collection[str]) -> str:
    if not known:
        return "must be empty: the reference is enough for this provider"
    return f"has a name that this provider does not have; it has {', '.join(sorted(known))}"


async def _find_reference(request: RegistrationRequest, account: OpenAccount) -> str:
    finder = account.provider.finder
    if finder is None:
        raise AssertionError("a registration without a reference must be refused where the provider has no finder")
    found = await _find_newest(finder, request.coordinates)
    if not found:
        raise ReferenceNotFoundYet(REPEAT_AFTER)
    return found


async def _find_newest(finder: VerificationFinder, coordinates: Mapping[str, str]) -> str | None:
    try:
        found = await finder.find(coordinates)
    except ReferenceUnknown:
        raise CoordinatesUnknown(finder.by) from None
    return found[0].reference if found else None
