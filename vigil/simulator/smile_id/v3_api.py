"""Smile ID's API of the third generation, played: tokens, statuses and replays."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.smile_id import v3_payloads
from vigil.simulator.smile_id.job import Job
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import JOB_ID_LENGTH, JOB_ID_LETTERS, Generation
from vigil.simulator.smile_id.tokens import Tokens

MULTIPART: Final = "multipart/form-data"
_JOB_ID: Final = re.compile(rf"job_[{JOB_ID_LETTERS}]{{{JOB_ID_LENGTH}}}")

Answer = Callable[[Request, str], Awaitable[Response]]


class V3Api:
    """The routes of the API."""

    def __init__(self, jobs: Jobs, tokens: Tokens) -> None:
        self._jobs = jobs
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        return [
            Route("/v3/token", self._token, methods=["POST"]),
            Route("/v3/status/{job}", self._guarded(self._status), methods=["GET"]),
            Route("/v3/replay/{job}", self._guarded(self._replay), methods=["POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        partner = request.headers.get("smileid-partner-id", "")
        key = request.headers.get("smileid-api-key", "")
        if not re.fullmatch(r"[1-9][0-9]*", partner):
            return _problem(400, "smileid-partner-id header is required and has no leading zeros.")
        if not await _is_empty_or_multipart(request):
            return _problem(415, f"Unsupported Media Type. Required Content-Type is {MULTIPART}")
        if not self._jobs.has_key(partner, key):
            return _problem(401, "Invalid authentication credentials.")
        self._jobs.logins += 1
        return JSONResponse({"token": self._tokens.hand_out(partner)})

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            partner = self._tokens.partner_of(request.headers.get("smileid-token", ""))
            if partner is None:
                return _problem(401, "Invalid authentication credentials.")
            if not _JOB_ID.fullmatch(request.path_params["job"]):
                return _problem(400, "\"jobId\" must be a valid TypeID with prefix 'job_'")
            return await answer(request, partner)

        return guarded

    async def _status(self, request: Request, partner: str) -> Response:
        wanted = request.path_params["job"]
        job = self._jobs.of(partner, wanted, Generation.V3)
        if job is None:
            return _standing(wanted, "unknown", v3_payloads.NOT_FOUND)
        job.reads += 1
        if job.is_down():
            return Response(status_code=503)
        status = job.status()
        user = "unknown" if status == v3_payloads.NOT_FOUND else job.ids.user
        return _standing(wanted, user, status)

    async def _replay(self, request: Request, partner: str) -> Response:
        if not await _is_empty_or_multipart(request):
            return _problem(415, f"Unsupported Media Type. Required Content-Type is {MULTIPART}")
        job = self._jobs.of(partner, request.path_params["job"], Generation.V3)
        if job is None or job.status() == v3_payloads.NOT_FOUND:
            return _problem(404, "Job not found")
        url = await _callback_url(request)
        if not job.scenario.replays_allowed or not _is_allowed(url, job):
            return _problem(403, "You are not authorized to do that.")
        if not job.scenario.endpoints:
            return _problem(400, "No valid callback URL available")
        if not job.replay(url):
            return _problem(409, "Job is still processing. Callbacks can only be replayed for completed jobs.")
        told = {"status": "accepted", "job_id": job.ids.job, "user_id": job.ids.user}
        return JSONResponse({**told, "message": "Callback replay queued successfully."}, status_code=202)


def _standing(job: str, user: str, status: str) -> Response:
    code = {v3_payloads.NOT_FOUND: 404, "processing": 202}.get(status, 200)
    told = v3_payloads.standing(job, user, status, at=datetime.now(UTC))
    headers = {"api_version": v3_payloads.API_VERSION, "job_id": job, "user_id": user}
    return JSONResponse(told, status_code=code, headers=headers)


def _problem(code: int, message: str) -> Response:
    return JSONResponse({"status": HTTPStatus(code).phrase, "message": message}, status_code=code)


async def _is_empty_or_multipart(request: Request) -> bool:
    return not await request.body() or request.headers.get("content-type", "").startswith(MULTIPART)


async def _callback_url(request: Request) -> str | None:
    body = await request.body()
    if not body:
        return None
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        if part.get_param("name", header="content-disposition") == "callback_url":
            return str(part.get_content()).strip()
    return None


def _is_allowed(url: str | None, job: Job) -> bool:
    """Say whether callbacks may go there: encrypted, and to a host that the partner has named."""
    if url is None:
        return True
    hosts = {urlsplit(endpoint.url).hostname for endpoint in job.scenario.endpoints}
    return url.startswith("https://") and urlsplit(url).hostname in hosts
