"""What a backend sends to create a process or a capture, and what of it the play needs."""

from datetime import timedelta
from typing import Final, TypeVar

from pydantic import BaseModel, Field, ValidationError

from vigil.simulator.engine import Url
from vigil.simulator.signicat.scenario import Generation, SignicatScenario, Subscriber

APPEARS_AFTER: Final = timedelta(seconds=30)
"""When the end user of a capture has chosen a document, and the process exists."""


Body = TypeVar("Body", bound=BaseModel)


class InvalidCreation(ValueError):
    """The body of a creation is not what Assure asks for."""


class _Dossier(BaseModel):
    externalReference: str | None = None  # noqa: N815 -- its name on the wire


class _Notified(BaseModel):
    """The older generation's address for callbacks; the current one tells whom its dashboard names."""

    notificationUrl: Url | None = None  # noqa: N815
    authorizationHeader: str | None = None  # noqa: N815

    def endpoints(self) -> tuple[Subscriber, ...]:
        if self.notificationUrl is None:
            return ()
        # That the header's text comes back as it was given is inferred: no source says so.
        headers = {} if self.authorizationHeader is None else {"Authorization": self.authorizationHeader}
        return (Subscriber(url=self.notificationUrl, headers=headers, generation=Generation.LEGACY),)


class _Process(_Notified):
    provider: str
    processType: str | None = None  # noqa: N815
    eventTags: list[str] = []  # noqa: N815


class _Offered(BaseModel):
    provider: str
    processType: str | None = None  # noqa: N815


class _Capture(_Notified):
    providers: list[_Offered] = Field(min_length=1)
    eventTags: list[str] = []  # noqa: N815


def external_reference(body: bytes) -> str | None:
    """Return the reference that a new dossier is given; its creation may have no body. Raises `InvalidCreation`."""
    return _read(_Dossier, body or b"{}").externalReference


def process(body: bytes) -> SignicatScenario:
    """Return the default play of a process that is created. Raises `InvalidCreation` naming the field."""
    wanted = _read(_Process, body)
    offered = _Offered(provider=wanted.provider, processType=wanted.processType)
    return _played(offered, wanted.endpoints(), wanted.eventTags)


def capture(body: bytes) -> SignicatScenario:
    """Return the default play of the first provider of a hosted capture. Raises `InvalidCreation`."""
    wanted = _read(_Capture, body)
    scenario = _played(wanted.providers[0], wanted.endpoints(), wanted.eventTags)
    return scenario.model_copy(update={"hosted_capture": APPEARS_AFTER})


def _played(offered: _Offered, endpoints: tuple[Subscriber, ...], tags: list[str]) -> SignicatScenario:
    try:
        return SignicatScenario(
            provider=offered.provider,
            process_type=offered.processType,
            endpoints=endpoints,
            event_tags=tuple(tags),
        )
    except ValidationError as problem:
        raise InvalidCreation(_first(problem)) from None


def _read(kind: type[Body], body: bytes) -> Body:
    try:
        return kind.model_validate_json(body)
    except ValidationError as problem:
        raise InvalidCreation(_first(problem)) from None


def _first(problem: ValidationError) -> str:
    first = problem.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
