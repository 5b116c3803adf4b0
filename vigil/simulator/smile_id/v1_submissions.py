"""What Smile ID's clients of the first generation send to create a job, beside uploads."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import MessageModel
from vigil.simulator.engine import Url
from vigil.simulator.smile_id.job import Job
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import JobType, PartnersId
from vigil.simulator.smile_id.v1_requests import (
    WRONG_TYPE,
    PartnerParams,
    Refused,
    address_of,
    create_job,
    find_key,
    guard,
    parse,
    read_parameters,
)

# inferred: the job types behind the products of hosted pages
_PRODUCTS: Final[Mapping[str, JobType]] = {
    "biometric_kyc": 1,
    "authentication": 2,
    "smartselfie": 4,
    "enhanced_kyc": 5,
    "basic_kyc": 5,
    "doc_verification": 6,
    "enhanced_document_verification": 11,
}


_LOOKUPS: Final = ("id_verification", "business_verification")


class Lookup(MessageModel):
    """A query of an ID authority."""

    partner_id: str
    partner_params: PartnerParams
    callback_url: Url | None = None


class HostedPage(MessageModel):
    """A token for a page on which the applicant submits everything."""

    partner_id: str
    user_id: PartnersId
    job_id: PartnersId
    product: str
    callback_url: Url


class V1Submissions:
    """The routes. Lookups answer with the result, or announce it."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        return [
            *(Route(f"/v1/{name}", guard(self._look_up), methods=["POST"]) for name in _LOOKUPS),
            *(Route(f"/v1/async_{name}", guard(self._look_up_later), methods=["POST"]) for name in _LOOKUPS),
            Route("/v1/token", guard(self._token), methods=["POST"]),
        ]

    async def _look_up(self, request: Request) -> Response:
        # inferred: what is answered at once is not announced
        job = await self._create(request, endpoints=())
        return JSONResponse(job.result_now(address=address_of(request)))

    async def _look_up_later(self, request: Request) -> Response:
        await self._create(request)
        return JSONResponse({"success": True})

    async def _create(self, request: Request, **options: Any) -> Job:
        given = await read_parameters(request)
        lookup = parse(Lookup, given)
        partner = (lookup.partner_id, find_key(self._jobs, lookup.partner_id, given))
        times = {"think": timedelta(0), "step_every": timedelta(0)}
        return create_job(self._jobs, partner, lookup.partner_params, lookup.callback_url, **times, **options)

    async def _token(self, request: Request) -> Response:
        given = await read_parameters(request)
        page = parse(HostedPage, given)
        job_type = _PRODUCTS.get(page.product)
        if job_type is None:
            raise Refused(WRONG_TYPE, "product: is unknown")
        params = PartnerParams(job_id=page.job_id, user_id=page.user_id, job_type=job_type)
        partner = (page.partner_id, find_key(self._jobs, page.partner_id, given))
        job = create_job(self._jobs, partner, params, page.callback_url)
        return JSONResponse({"success": True, "token": f"hosted-page-of-{job.reference}"})
