"""What the requests of the first generation have in common: parameters, a signature, and error codes."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vigil.domain.models import MessageModel, StoredModel
from vigil.simulator.base import ReferenceInUse, first_problem
from vigil.simulator.engine import Endpoint
from vigil.simulator.smile_id.job import Job
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import JobType, PartnersId, SmileIdScenario

M = TypeVar("M", bound=MessageModel)

NOT_AUTHORISED: Final = "2205"
WRONG_TYPE: Final = "2204"
MISSING: Final = "2213"
USED_BEFORE: Final = "2215"


class Refused(Exception):
    """A request that is answered with an error code of Smile ID."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


class PartnerParams(StoredModel):
    """A partner's names for a job; all further fields are returned unchanged."""

    job_id: PartnersId
    user_id: PartnersId
    job_type: JobType


async def read_parameters(request: Request) -> Mapping[str, Any]:
    """Return the body's object. Raises `Refused`."""
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise Refused("2203", "the body is no JSON") from None
    if not isinstance(given, dict):
        raise Refused("2203", "the body is no object")
    return given


def parse(model: type[M], given: Mapping[str, Any]) -> M:
    """Return the model. Raises `Refused`."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        code = MISSING if error.errors()[0]["type"] == "missing" else WRONG_TYPE
        raise Refused(code, first_problem(error)) from None


def find_key(jobs: Jobs, partner: str, given: Mapping[str, Any]) -> str:
    """Return the key with which the partner has signed a request. Raises `Refused`."""
    key = jobs.signing_key(partner, given.get("timestamp"), given.get("signature"))
    if key is None:
        raise Refused(NOT_AUTHORISED, "not authorised: the signature is not this partner's")
    return key


def create_job(
    jobs: Jobs, partner: tuple[str, str], params: PartnerParams, callback_url: str | None, **options: Any
) -> Job:
    """Create the job of a partner, given with its key. Without an address it is announced to the portal's.

    Raises `Refused`.
    """
    address = callback_url or jobs.portal_address(partner[0])
    scenario = SmileIdScenario(
        reference=params.job_id,
        user_id=params.user_id,
        job_type=params.job_type,
        partner_id=partner[0],
        api_key=partner[1],
        partner_params={name: str(value) for name, value in (params.model_extra or {}).items()},
        **{"endpoints": () if address is None else (Endpoint(url=address),), **options},
    )
    try:
        return jobs.create(scenario)
    except ReferenceInUse:
        raise Refused(USED_BEFORE, "the job_id was used before") from None


def guard(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that answers a `Refused` with its code."""

    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            # inferred: the status code, of which the documents show one for one other code
            return JSONResponse({"error": str(refused), "code": refused.code}, status_code=400)

    return guarded


def address_of(request: Request) -> str:
    """Return the address at which the simulator was called."""
    return f"{request.url.scheme}://{request.url.netloc}"
