"""The activities of `Verify`, and of a verification that a backend itself has started in Temporal."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Literal, TypeVar

from pydantic import JsonValue, ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import try_again
from vigil.domain.errors import ProviderError
from vigil.domain.input_faults import describe_fault
from vigil.domain.summary import Summary
from vigil.domain.terms import Stage
from vigil.domain.verification_key import VerificationKey, shown_key, stands_in, workflow_id
from vigil.errors import (
    CommandRefused,
    NoWorkerInTime,
    RecordNotStored,
    RecordUnavailable,
    ReferenceNotFoundYet,
    RegistrationRefused,
    VigilError,
)
from vigil.lookup import VerificationLookup
from vigil.registration import Registrar, RegistrationRequest
from vigil.temporal import messages
from vigil.temporal.client import VerificationClient

RequestT = TypeVar("RequestT", bound=RegistrationRequest)

SOONEST: Final = timedelta(seconds=1)
LATEST: Final = timedelta(minutes=1)
PART_OF_AGE: Final = 20
"""A wait looks again after a twentieth of the time that it has lasted, so a look is late by a twentieth at most."""
_WITHDRAWN_WITHIN: Final = timedelta(seconds=10)


class VerifyRequest(RegistrationRequest):
    """The input of `Verify`: a registration, and what to wait for."""

    until: Literal["outcome", "complete"] = "outcome"
    withdraw_if_canceled: bool = False


class VerifyActivities:
    """Registers for backends that speak to Temporal, and waits for them."""

    def __init__(self, registrar: Registrar, lookup: VerificationLookup, tracker: VerificationClient) -> None:
        self._registrar = registrar
        self._lookup = lookup
        self._tracker = tracker

    @property
    def all(self) -> Sequence[Callable[..., object]]:
        """All of them, for a worker."""
        return (self.prepare_registration, self.register, self.find_registered, self.await_state, self.withdraw)

    @activity.defn(name=messages.PREPARE_REGISTRATION)
    async def prepare_registration(self, request: JsonValue) -> messages.PreparedRegistration:
        """Return what the backend cannot know. Refuses a workflow id under which nobody would find the verification."""
        asked = _parse(RegistrationRequest, request)
        try:
            registration = await self._registrar.prepare(asked, by=messages.TEMPORAL)
        except (VigilError, ProviderError) as error:
            raise _refusal_of(error) from None
        prepared = self._tracker.prepare(registration)
        if activity.info().workflow_id != (expected := workflow_id(prepared.order.path)):
            raise _refused(f"The workflow id must be {expected}; the workflow type Verify takes any id.")
        return prepared

    @activity.defn(name=messages.REGISTER)
    async def register(self, request: JsonValue) -> messages.VerifyOrder:
        """Register a verification, or find the one that a digest names, and return what is waited for."""
        asked = _parse(VerifyRequest, request)
        try:
            key = await self._register(asked)
        except (VigilError, ProviderError) as error:
            raise _refusal_of(error) from None
        return self._order(key, asked)

    @activity.defn(name=messages.FIND_REGISTERED)
    async def find_registered(self, request: JsonValue) -> messages.VerifyOrder | None:
        """Return what a canceled `register` has registered; None: nothing, or another registration was first."""
        try:
            asked = _parse(VerifyRequest, request)
            key = await self._find_registered(asked)
        except ProviderError as error:
            raise try_again(error.code) from None
        except RecordNotStored:
            return None
        except RecordUnavailable:
            raise try_again("no_record_yet") from None
        except (VigilError, ApplicationError):  # such an input registers nothing
            return None
        return self._order(key, asked) if key else None

    async def _find_registered(self, asked: VerifyRequest) -> VerificationKey | None:
        if asked.reference is not None and stands_in(asked.reference):
            return await self._register(asked)
        registration = await self._registrar.build(_plain(asked), by=messages.TEMPORAL)
        # A worker answers, so a registration that Temporal has accepted a moment ago is in the record.
        known = (await self._lookup.read_record(registration.key)).subject.registration
        if known is None or registration.signed(self._registrar.digester).differs_from(known.fingerprint):
            return None
        return registration.key

    def _order(self, key: VerificationKey, asked: VerifyRequest) -> messages.VerifyOrder:
        return messages.VerifyOrder(
            key=key,
            until=asked.until,
            withdraw_if_canceled=asked.withdraw_if_canceled,
            path=self._tracker.path(key),
        )

    async def _register(self, asked: VerifyRequest) -> VerificationKey:
        account = self._tracker.account(asked.account)
        if asked.reference is not None and stands_in(asked.reference):
            return self._tracker.seal_capability(await self._lookup.resolve_key(asked.account, asked.reference))
        if account.reference_is_capability:
            raise _refused(
                "This reference opens the applicant's session, and Temporal would show it: register it over HTTP, and "
                "give the digest in the Location of the answer as the reference."
            )
        key, _ = await self._registrar.register(_plain(asked), by=messages.TEMPORAL)
        return key

    @activity.defn(name=messages.AWAIT_STATE)
    async def await_state(self, order: messages.VerifyOrder) -> messages.VerifiedState:
        """Return the published state once it is reached. Until then each attempt fails with the time of the next."""
        key = self._tracker.open_key(order.key)
        seen = await self._tracker.describe(key)
        summary = seen.summary if seen is not None else (await self._lookup.get(key)).situation.summary
        if summary is None or not _is_reached(summary, order):
            age = activity.info().started_time - activity.info().scheduled_time
            raise try_again("not_reached", after=min(max(age / PART_OF_AGE, SOONEST), LATEST))
        return _state_of(summary, shown_key(order.key, self._tracker.path(key)))

    @activity.defn(name=messages.WITHDRAW)
    async def withdraw(self, order: messages.VerifyOrder) -> None:
        """Withdraw the verification. One that has an outcome keeps it."""
        command, run = messages.Withdraw(author=messages.TEMPORAL), activity.info().workflow_run_id
        key = self._tracker.open_key(order.key)
        try:
            await self._tracker.command(key, "withdraw", command, command_id=f"verify-{run}", within=_WITHDRAWN_WITHIN)
        except CommandRefused:
            return
        except NoWorkerInTime:
            raise try_again("no_worker_in_time") from None


def _parse(model: type[RequestT], request: JsonValue) -> RequestT:
    try:
        return model.model_validate(request)
    except ValidationError as error:
        known = set(model.model_fields)
        faults = (
            (".".join(str(part) if part in known else "*" for part in fault["loc"]), describe_fault(fault))
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise _refused("; ".join(f"{field}: {message}" for field, message in faults)) from None


def _plain(asked: VerifyRequest) -> RegistrationRequest:
    return RegistrationRequest.model_validate(asked.model_dump(exclude={"until", "withdraw_if_canceled"}))


def _refused(sentence: str) -> ApplicationError:
    return ApplicationError(f"The input does not fit. {sentence}", type=messages.REFUSED_INPUT, non_retryable=True)


def _refusal_of(error: VigilError | ProviderError) -> Exception:
    """Return the error that ends the workflow, or that is tried again because another attempt may succeed."""
    match error:
        case ReferenceNotFoundYet():
            return try_again("process_not_yet_known", after=error.retry_after)
        case RegistrationRefused():
            faults = "; ".join(f"{fault.field}: {fault.detail}" for fault in error.faults)
            return _refused(f"{error} {faults}".strip())
        case VigilError():
            return _refused(str(error))
        case _:
            return try_again(error.code)


def _is_reached(summary: Summary, order: messages.VerifyOrder) -> bool:
    return summary.outcome is not None if order.until == "outcome" else summary.stage is Stage.COMPLETE


def _state_of(summary: Summary, shown: VerificationKey) -> messages.VerifiedState:
    fields = set(messages.VerifiedState.model_fields) - {"reference"}
    return messages.VerifiedState(reference=shown.reference, **summary.model_dump(include=fields))
