"""What a backend sends to create an enrollment, and what of it the play needs."""

from pydantic import BaseModel, Field, ValidationError

from vigil.simulator.engine import Url
from vigil.simulator.id360.scenario import Code, Id360Scenario, Subscriber


class InvalidCreation(ValueError):
    """The body of a creation is not what ID360 asks for."""


class _Header(BaseModel):
    name: str
    value: str


class _CallbackEndpoint(BaseModel):
    url: Url
    # What an empty or missing list means is unknown: here, nothing is sent.
    on: list[Code] = []
    headers: list[_Header] = []


class _Creation(BaseModel):
    callback_endpoints: list[_CallbackEndpoint] = Field(min_length=1)
    client_reference: str | None = None


def scenario_from(body: bytes) -> Id360Scenario:
    """Return the default play with the endpoints and the reference that a creation names.

    Raises `InvalidCreation` naming the field that is wrong.
    """
    try:
        creation = _Creation.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise InvalidCreation(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    endpoints = tuple(
        Subscriber(url=each.url, on=tuple(each.on), headers={header.name: header.value for header in each.headers})
        for each in creation.callback_endpoints
    )
    return Id360Scenario(client_reference=creation.client_reference, endpoints=endpoints)
