"""Smile ID's API of the first generation, simulated: uploads and job_status, for every partner who signs."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import MessageModel, StoredModel
from vigil.simulator.base import ReferenceInUse, first_problem
from vigil.simulator.engine import Endpoint, Url
from vigil.simulator.smile_id.job import Job
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import Generation, JobType, Plain, SmileIdScenario
from vigil.simulator.smile_id.signing import signature, written

NOT_AUTHORISED: Final = "2205"
WRONG_TYPE: Final = "2204"
MISSING: Final = "2213"
USED_BEFORE: Final = "2215"
NO_SUCH_JOB: Final = "2304"
BROKEN_ARCHIVE: Final = "0903"


class Refused(Exception):
    """A request that is answered with an error code of Smile ID."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


class PartnerParams(StoredModel):
    """A partner's names for a job; all further fields are returned unchanged."""

    job_id: Plain
    user_id: Plain
    job_type: JobType


class Upload(MessageModel):
    """The announcement of an upload."""

    smile_client_id: str
    partner_params: PartnerParams
    callback_url: Url | None = None


class V1Api:
    """The routes of the API."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        return [
            Route("/v1/job_status", _guarded(self._job_status), methods=["POST"]),
            Route("/v1/upload", _guarded(self._upload), methods=["POST"]),
            Route("/v1/archives/{job}", _guarded(self._archive), methods=["PUT"]),
        ]

    async def _job_status(self, request: Request) -> Response:
        given = await _parameters(request)
        partner = _text(given, "partner_id")
        key = self._key(partner, given)
        job = self._jobs.of(partner, _text(given, "job_id"), Generation.V1)
        if job is None or job.ids.user != given.get("user_id"):
            return JSONResponse(_unknown(partner, key))
        job.count_read()
        options = {name: given.get(name) is True for name in ("history", "image_links")}
        return JSONResponse(job.job_status(**options, address=_address(request)))

    async def _upload(self, request: Request) -> Response:
        given = await _parameters(request)
        try:
            upload = Upload.model_validate(given)
        except ValidationError as error:
            code = MISSING if error.errors()[0]["type"] == "missing" else WRONG_TYPE
            raise Refused(code, first_problem(error)) from None
        job = self._create(upload, self._key(upload.smile_client_id, given))
        url = f"{_address(request)}/smile_id/v1/archives/{job.reference}"
        ids = {"ref_id": job.ids.smile_job, "smile_job_id": job.ids.smile_job}
        return JSONResponse({"code": "2202", **ids, "upload_url": url})

    async def _archive(self, request: Request) -> Response:
        job = self._jobs.find_or_404(request.path_params["job"])
        try:
            with zipfile.ZipFile(io.BytesIO(await request.body())) as archive:
                json.loads(archive.read("info.json"))
        except (zipfile.BadZipFile, KeyError, ValueError):
            raise Refused(BROKEN_ARCHIVE, "the archive is broken or has no info.json") from None
        job.submit()
        return Response(status_code=200)

    def _key(self, partner: str, given: Mapping[str, Any]) -> str:
        key = self._jobs.signing_key(partner, given.get("timestamp"), given.get("signature"))
        if key is None:
            raise Refused(NOT_AUTHORISED, "not authorised: the signature is not this partner's")
        return key

    def _create(self, upload: Upload, key: str) -> Job:
        params = upload.partner_params
        scenario = SmileIdScenario(
            reference=params.job_id,
            user_id=params.user_id,
            job_type=params.job_type,
            partner_id=upload.smile_client_id,
            api_key=key,
            partner_params={name: str(value) for name, value in (params.model_extra or {}).items()},
            endpoints=() if upload.callback_url is None else (Endpoint(url=upload.callback_url),),
            silent=True,
        )
        try:
            return self._jobs.create(scenario)
        except ReferenceInUse:
            raise Refused(USED_BEFORE, "the job_id was used before") from None


async def _parameters(request: Request) -> Mapping[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError:
        raise Refused("2203", "the body is no JSON") from None
    if not isinstance(given, dict):
        raise Refused("2203", "the body is no object")
    return given


def _text(given: Mapping[str, Any], name: str) -> str:
    if name not in given:
        raise Refused(MISSING, f"{name} is missing")
    if not isinstance(given[name], str):
        raise Refused(WRONG_TYPE, f"{name} must be a text")
    return str(given[name])


def _unknown(partner: str, key: str) -> Mapping[str, Any]:
    # inferred: that this reply is 200 and signed like any other
    at = written(datetime.now(UTC))
    body = {"code": NO_SUCH_JOB, "job_complete": False, "job_success": False, "result": "No job found"}
    return {**body, "timestamp": at, "signature": signature(at, partner, key)}


def _guarded(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            # inferred: the status code, of which the documents show one for one other code
            return JSONResponse({"error": str(refused), "code": refused.code}, status_code=400)

    return guarded


def _address(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
