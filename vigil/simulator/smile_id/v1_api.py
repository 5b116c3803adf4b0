"""Smile ID's API of the first generation, played: uploads and job_status, for whoever signs."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.engine import Endpoint, Url
from vigil.simulator.play import AlreadyPlayed
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
    """A call that is answered with an error."""

    def __init__(self, code: str, error: str) -> None:
        super().__init__(error)
        self.code = code


class PartnerParams(BaseModel):
    """What a partner calls a job; more of it comes back as it was given."""

    model_config = ConfigDict(extra="allow")

    job_id: Plain
    user_id: Plain
    job_type: JobType


class Upload(BaseModel):
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
            Route("/v1/job_status", self._job_status, methods=["POST"]),
            Route("/v1/upload", self._upload, methods=["POST"]),
            Route("/v1/archives/{job}", self._archive, methods=["PUT"]),
        ]

    async def _job_status(self, request: Request) -> Response:
        try:
            asked = await _asked(request)
            partner = _text(asked, "partner_id")
            key = self._key(partner, asked)
            job = self._jobs.of(partner, _text(asked, "job_id"), Generation.V1)
        except Refused as refused:
            return _refusal(refused)
        if job is None or job.ids.user != asked.get("user_id"):
            return JSONResponse(_unknown(partner, key))
        job.reads += 1
        if job.is_down():
            return Response(status_code=503)
        wants = {name: asked.get(name) is True for name in ("history", "image_links")}
        return JSONResponse(job.job_status(**wants, address=_address(request)))

    async def _upload(self, request: Request) -> Response:
        try:
            asked = await _asked(request)
            order = _read(asked)
            key = self._key(order.smile_client_id, asked)
            job = self._created(order, key)
        except Refused as refused:
            return _refusal(refused)
        url = f"{_address(request)}/smile_id/v1/archives/{job.reference}"
        told = {"code": "2202", "ref_id": job.ids.smile_job, "smile_job_id": job.ids.smile_job, "upload_url": url}
        return JSONResponse(told)

    async def _archive(self, request: Request) -> Response:
        job = self._jobs.played(request.path_params["job"])
        if job is None:
            return Response(status_code=404)
        try:
            with zipfile.ZipFile(io.BytesIO(await request.body())) as archive:
                json.loads(archive.read("info.json"))
        except (zipfile.BadZipFile, KeyError, ValueError):
            return _refusal(Refused(BROKEN_ARCHIVE, "the archive is broken or lacks its info.json"))
        job.submit()
        return Response(status_code=200)

    def _key(self, partner: str, asked: Mapping[str, Any]) -> str:
        key = self._jobs.signing_key(partner, asked.get("timestamp"), asked.get("signature"))
        if key is None:
            raise Refused(NOT_AUTHORISED, "not authorised: the signature is not this partner's")
        return key

    def _created(self, order: Upload, key: str) -> Job:
        params = order.partner_params
        scenario = SmileIdScenario(
            reference=params.job_id,
            user_id=params.user_id,
            job_type=params.job_type,
            partner_id=order.smile_client_id,
            api_key=key,
            partner_params={name: str(value) for name, value in (params.model_extra or {}).items()},
            endpoints=() if order.callback_url is None else (Endpoint(url=order.callback_url),),
            silent=True,
        )
        try:
            return self._jobs.begin(scenario)
        except AlreadyPlayed:
            raise Refused(USED_BEFORE, "the job_id was used before") from None


async def _asked(request: Request) -> Mapping[str, Any]:
    try:
        asked = json.loads(await request.body())
    except ValueError:
        raise Refused("2203", "the body is no JSON") from None
    if not isinstance(asked, dict):
        raise Refused("2203", "the body is no object")
    return asked


def _read(asked: Mapping[str, Any]) -> Upload:
    try:
        return Upload.model_validate(asked)
    except ValidationError as problem:
        first = problem.errors()[0]
        code = MISSING if first["type"] == "missing" else WRONG_TYPE
        raise Refused(code, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _text(asked: Mapping[str, Any], name: str) -> str:
    if name not in asked:
        raise Refused(MISSING, f"{name} is missing")
    if not isinstance(asked[name], str):
        raise Refused(WRONG_TYPE, f"{name} must be a text")
    return str(asked[name])


def _unknown(partner: str, key: str) -> Mapping[str, Any]:
    # inferred: that this reply is 200 and signed like any other
    at = written(datetime.now(UTC))
    told = {"code": NO_SUCH_JOB, "job_complete": False, "job_success": False, "result": "No job found"}
    return {**told, "timestamp": at, "signature": signature(at, partner, key)}


def _refusal(refused: Refused) -> Response:
    # inferred: the status code, of which documents show one for one other code
    return JSONResponse({"error": str(refused), "code": refused.code}, status_code=400)


def _address(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
