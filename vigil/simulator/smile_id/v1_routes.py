"""Smile ID's API of the first generation, simulated: uploads and job_status, for every partner who signs."""

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.domain.models import MessageModel
from vigil.simulator.engine import Url
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import Generation
from vigil.simulator.smile_id.signing import signature, written
from vigil.simulator.smile_id.v1_requests import (
    MISSING,
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

NO_SUCH_JOB: Final = "2304"
BROKEN_ARCHIVE: Final = "0903"


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
            Route("/v1/job_status", guard(self._job_status), methods=["POST"]),
            Route("/v1/upload", guard(self._upload), methods=["POST"]),
            Route("/v1/archives/{job}", guard(self._archive), methods=["PUT"]),
        ]

    async def _job_status(self, request: Request) -> Response:
        given = await read_parameters(request)
        partner = _text(given, "partner_id")
        key = find_key(self._jobs, partner, given)
        job = self._jobs.of(partner, _text(given, "job_id"), Generation.V1)
        if job is None or job.ids.user != given.get("user_id"):
            return JSONResponse(_unknown(partner, key))
        job.count_read()
        options = {name: given.get(name) is True for name in ("history", "image_links")}
        return JSONResponse(job.job_status(**options, address=address_of(request)))

    async def _upload(self, request: Request) -> Response:
        given = await read_parameters(request)
        upload = parse(Upload, given)
        partner = (upload.smile_client_id, find_key(self._jobs, upload.smile_client_id, given))
        job = create_job(self._jobs, partner, upload.partner_params, upload.callback_url, silent=True)
        url = f"{address_of(request)}/smile_id/v1/archives/{quote(job.reference)}"
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
