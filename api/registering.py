"""What a registration must hold, and how one without a reference finds it at the provider."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from accounts import Account
from api.problems import FieldProblem, Problem, unavailable
from domain.digest import Digester
from domain.errors import ProviderError, ProviderRefusesUs, ReferenceUnknown
from domain.identity import Reference, VerificationKey
from domain.registration import Registration, Wanted
from domain.snapshot import Coordinates
from domain.terms import EvidenceKind, Frozen, Instant, Name, SessionKind, Word
from providers.contract import Finder
from storage.correlations import Correlations
from tracking import Registered, Tracker, UnknownAccount

FARTHEST_DEADLINE: Final = timedelta(days=3650)
COME_AGAIN_AFTER: Final = timedelta(seconds=5)
Correlation = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class RegistrationRequest(Frozen):
    """What a backend knows of a verification that it has created at the provider."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "sandbox",
                    "reference": "4711",
                    "applicant": "customer-2047",
                    "evidence": ["document_front", "portrait"],
                    "deadline_at": "2025-12-17T12:00:00Z",
                    "notify": ["checkout"],
                }
            ]
        }
    )

    account: Name = Field(description="our account's name in the settings")
    reference: Reference | None = Field(
        None,
        description="the provider's own id for it. Where the provider does not tell it at the creation, coordinates "
        "lead to it: the newest verification that they fit is registered, and the answer names its reference",
    )
    correlation: Correlation | None = Field(None, description="the word that the callback URL was given")
    coordinates: Coordinates = Field(default_factory=dict, description="what else the provider must be told")
    sender: Name | None = None
    session_kind: SessionKind | None = None
    expects: tuple[EvidenceKind, ...] = Field((), max_length=20, description="files that will surely come")
    evidence: Wanted = Field("all", description="files to bring home")
    applicant: Word | None = Field(None, description="your opaque id of the person; never a name or an address")
    deadline_at: Instant | None = None
    review_deadline_at: Instant | None = Field(None, description="until when somebody at the provider is waited for")
    notify: tuple[Name, ...] = Field((), max_length=8, description="names of `[endpoints]` in the settings")


async def registration_of(
    asked: RegistrationRequest, accounts: Mapping[str, Account], endpoints: Collection[str], *, by: Name
) -> Registration:
    """Return the signal that a request becomes; without a reference the provider is asked for it.

    Raises:
        UnknownAccount: no account of that name is configured.
        Problem: a field does not fit (422), the provider has nothing yet that the coordinates lead to (409 with
            `Retry-After`), does not know them (404), refuses us (502) or gives no usable answer (503).

    """
    account = accounts.get(asked.account)
    if account is None:
        raise UnknownAccount(asked.account)
    now = datetime.now(UTC)
    wrong = [*_misfits(asked, account, endpoints, now), *_misfits_of_coordinates(asked, account)]
    if wrong:
        raise Problem(422, "invalid_request", "The request does not fit", fields=wrong)
    reference = asked.reference or await _found(asked, account)
    # What has only led to the reference is not needed again.
    spent = account.provider.finder.by if account.provider.finder else ()
    kept = {each.name for each in account.provider.coordinates if each.is_required or each.name not in spent}
    said = asked.model_dump(exclude={"account", "reference", "coordinates"})
    return Registration(
        key=VerificationKey(account=asked.account, reference=reference),
        coordinates={name: value for name, value in asked.coordinates.items() if name in kept},
        registered_at=now,
        registered_by=by,
        **said,
    )


@dataclass(frozen=True)
class Registrar:
    """Registers verifications; whoever has one needs no worker to be alive."""

    accounts: Mapping[str, Account]
    endpoints: Collection[str]
    tracker: Tracker
    correlations: Correlations
    digester: Digester

    async def register(self, asked: RegistrationRequest, *, by: Name) -> tuple[VerificationKey, Registered]:
        """Register it, and remember its correlation first, so that no callback comes to one that is not known.

        Raises:
            UnknownAccount, Problem: as `registration_of` does; and the correlation belongs to another (409).
            ConflictingRegistration, RPCError: as `Tracker.register` does.
            StorageUnavailable: the correlation could not be remembered; repeat it.

        """
        registration = await registration_of(asked, self.accounts, self.endpoints, by=by)
        key, correlation = registration.key, registration.correlation
        if correlation is not None:
            mark = correlation_mark(self.digester, key.account, correlation)
            if await self.correlations.remember(key.account, mark, key.reference) != key.reference:
                # Callbacks that name nothing else would tell the one what was said of the other.
                fields = [FieldProblem(field="body.correlation", detail="belongs to another verification")]
                raise Problem(409, "correlation_taken", "The correlation belongs to another", fields=fields)
        return key, await self.tracker.register(registration)


def correlation_mark(digester: Digester, account: str, correlation: str) -> str:
    """Return the name under which a correlation is remembered: it stands in a URL that may be guessed at."""
    return digester.digest("correlation", f"{account}\0{correlation}")


def _misfits(
    asked: RegistrationRequest, account: Account, endpoints: Collection[str], now: datetime
) -> Iterator[FieldProblem]:
    if asked.sender is not None and asked.sender not in account.contracts:
        yield FieldProblem(field="body.sender", detail=f"is one of {', '.join(sorted(account.contracts))}")
    if not set(asked.notify) <= set(endpoints):
        yield FieldProblem(field="body.notify", detail="names an endpoint that is not configured")
    for name, at in (("deadline_at", asked.deadline_at), ("review_deadline_at", asked.review_deadline_at)):
        if at is not None and at <= now:
            yield FieldProblem(field=f"body.{name}", detail="has passed")
        if at is not None and at > now + FARTHEST_DEADLINE:
            yield FieldProblem(field=f"body.{name}", detail="is more than ten years away")


def _misfits_of_coordinates(asked: RegistrationRequest, account: Account) -> Iterator[FieldProblem]:
    known = {each.name: each for each in account.provider.coordinates}
    finder = account.provider.finder
    needed = {each.name for each in known.values() if each.is_required}
    if asked.reference is None and finder is None:
        yield FieldProblem(field="body.reference", detail="is required: nothing else leads to it at this provider")
    if asked.reference is None and finder is not None:
        needed |= set(finder.by)
    for name in sorted(needed - set(asked.coordinates)):
        detail = f"is required: {known[name].about}"
        if name not in {each.name for each in known.values() if each.is_required}:
            detail += " (or give `reference`)"
        yield FieldProblem(field=f"body.coordinates.{name}", detail=detail)
    for name, value in asked.coordinates.items():
        if name not in known:
            yield FieldProblem(field="body.coordinates", detail=_only(known))
        elif not re.fullmatch(known[name].pattern, value):
            yield FieldProblem(field=f"body.coordinates.{name}", detail=f"must fit {known[name].pattern}")


def _only(known: Collection[str]) -> str:
    if not known:
        return "must be empty: the reference is enough for this provider"
    return f"holds a name that this provider does not have; it has {', '.join(sorted(known))}"


async def _found(asked: RegistrationRequest, account: Account) -> str:
    finder = account.provider.finder
    if finder is None:
        raise AssertionError("asked to find a reference where nothing finds it")
    found = await _asked(finder, asked.coordinates)
    if not found:
        raise Problem(
            409,
            "process_not_yet_known",
            "The provider has nothing yet that the coordinates lead to; repeat the request",
            headers={"Retry-After": str(COME_AGAIN_AFTER.seconds)},
        )
    return found


async def _asked(finder: Finder, coordinates: Mapping[str, str]) -> str | None:
    try:
        found = await finder.find(coordinates)
    except ReferenceUnknown:
        fields = [FieldProblem(field=f"body.coordinates.{name}", detail="is unknown there") for name in finder.by]
        raise Problem(404, "unknown_to_provider", "The provider does not know the coordinates", fields=fields) from None
    except ProviderRefusesUs as error:
        detail = f"It answered {error.code}: `vigil check` tries the credentials of every account"
        raise Problem(502, "provider_refuses_us", "The provider refuses our credentials", detail=detail) from None
    except ProviderError as error:
        after = error.retry_after or COME_AGAIN_AFTER
        raise unavailable(
            "provider_unavailable",
            "The provider gives no usable answer now; repeat the request",
            retry_after=max(1, min(int(after.total_seconds()), 3600)),
            detail=error.code,
        ) from None
    return found[0].reference if found else None
