"""Smile ID's API of the third generation, simulated: tokens, statuses and replays."""

import base64
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vigil.simulator.base import first_problem
from vigil.simulator.smile_id import v3_payloads
from vigil.simulator.smile_id.jobs import Jobs
from vigil.simulator.smile_id.scenario import JOB_ID_LENGTH, JOB_ID_LETTERS, Generation
from vigil.simulator.smile_id.signing import written
from vigil.simulator.smile_id.v3_submissions import PRODUCTS, read_submission
from vigil.simulator.tokens import Tokens

TOKENS_VALID_FOR: Final = timedelta(minutes=15)
MULTIPART: Final = "multipart/form-data"
_JOB_ID: Final = re.compile(rf"job_[{JOB_ID_LETTERS}]{{{JOB_ID_LENGTH}}}")

Answer = Callable[[Request, str], Awaitable[Response]]


class V3Api:
    """The routes of the API."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._tokens = Tokens(jobs.engine.clock, TOKENS_VALID_FOR)

    def routes(self) -> list[Route]:
        """Return the routes, without prefix."""
        return [
            Route("/v3/token", self._token, methods=["POST"]),
            *(Route(f"/v3/{name}", self._submit, methods=["POST"]) for name in PRODUCTS),
            Route("/v3/status/{job}", self._guarded(self._status), methods=["GET"]),
            Route("/v3/replay/{job}", self._guarded(self._replay), methods=["POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        partner = request.headers.get("smileid-partner-id", "")
        key = request.headers.get("smileid-api-key", "")
        if not re.fullmatch(r"[1-9][0-9]*", partner):
            return _problem(400, "smileid-partner-id header is required and has no leading zeros.")
        if await request.body() and not request.headers.get("content-type", "").startswith(MULTIPART):
            return _problem(415, f"Unsupported Media Type. Required Content-Type is {MULTIPART}")
        known = self._jobs.partner_with(partner, key)
        if known is None:
            return _problem(401, "Invalid authentication credentials.")
        self._jobs.logins += 1
        return JSONResponse({"token": self._tokens.add(_new_token(partner), f"{known}/{key}")})

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            owner = self._tokens.owner_of(request.headers.get("smileid-token", ""))
            if owner is None:
                return _problem(401, "Invalid authentication credentials.")
            partner = owner.partition("/")[0]
            if not _JOB_ID.fullmatch(request.path_params["job"]):
                return _problem(400, "\"jobId\" must be a valid TypeID with prefix 'job_'")
            return await answer(request, partner)

        return guarded

    async def _submit(self, request: Request) -> Response:
        owner = self._tokens.owner_of(request.headers.get("smileid-token", ""))
        if owner is None:
            return _problem(401, "Invalid authentication credentials.")
        partner, _, key = owner.partition("/")
        product = request.url.path.rpartition("/")[2]
        try:
            submission = read_submission(await request.body(), request.headers)
            job = self._jobs.create(submission.scenario(product, partner, key, self._jobs.portal_address(partner)))
        except ValidationError as error:
            return _problem(400, first_problem(error))
        accepted = {"status": "accepted", "message": "Job accepted", "job_id": job.ids.job, "user_id": job.ids.user}
        return JSONResponse({**accepted, "created_at": written(datetime.now(UTC))}, status_code=202)

    async def _status(self, request: Request, partner: str) -> Response:
        reference = request.path_params["job"]
        job = self._jobs.of(partner, reference, Generation.V3)
        if job is None:
            return _status_response(reference, "unknown", v3_payloads.NOT_FOUND)
        job.count_read()
        return _status_response(reference, job.ids.user, job.status())

    async def _replay(self, request: Request, partner: str) -> Response:
        job = self._jobs.of(partner, request.path_params["job"], Generation.V3)
        if job is None:
            return _problem(404, "Job not found")
        if not job.scenario.endpoints:
            return _problem(400, "No valid callback URL available")
        if not job.replay():
            return _problem(409, "Job is still processing. Callbacks can only be replayed for completed jobs.")
        body = {"status": "accepted", "job_id": job.ids.job, "user_id": job.ids.user}
        return JSONResponse({**body, "message": "Callback replay queued successfully."}, status_code=202)


def _new_token(partner: str) -> str:
    """Return a token that looks like a JWT; only we could check its last part."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"partner_id": partner, "policy": 0})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, secrets.token_urlsafe(32)))


def _status_response(job: str, user: str, status: str) -> Response:
    code = {v3_payloads.NOT_FOUND: 404, "processing": 202}.get(status, 200)
    body = v3_payloads.status_body(job, user, status, at=datetime.now(UTC))
    headers = {"api_version": v3_payloads.API_VERSION, "job_id": job, "user_id": user}
    return JSONResponse(body, status_code=code, headers=headers)


def _problem(code: int, message: str) -> Response:
    return JSONResponse({"status": HTTPStatus(code).phrase, "message": message}, status_code=code)
