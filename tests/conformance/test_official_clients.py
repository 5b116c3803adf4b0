"""Each of Smile ID's own clients creates jobs at the simulator without a stub, and Vigil tracks them to their end."""

import asyncio
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import usesmileid
import uvicorn
from smile_id_core import IdApi, Signature, WebApi  # type: ignore[import-untyped]
from starlette.types import Receive, Scope, Send

from tests.conformance.rig import Play, Rig
from tests.messaging.mailbox import certificate
from tests.providers.smile_id.kit import FIRST, PARTNER
from vigil.domain.terms import Decision
from vigil.domain.verification_key import VerificationKey
from vigil.http_server.server import open_listener

pytestmark = pytest.mark.asyncio(loop_scope="session")

NPM = Path(__file__).parent / "npm"
JPEG = b"\xff\xd8\xff"
PERSON = {"country": "NG", "id_type": "VOTER_ID", "id_number": "INVENTED0001"}
OPTIONS = {"return_job_status": False, "return_history": False, "return_images": False, "use_enrolled_image": False}
ANSWER_HEADERS = {b"content-type", b"content-length"}
NO_NODE = "node, npm or the pinned client is missing: make test installs it where npm is present"


def params(name: str, job_type: int) -> dict[str, Any]:
    return {"job_id": f"jöb 12 {name}", "user_id": "jane döe", "job_type": job_type, "tenant": "north"}


async def new_portal(rig: Rig) -> str:
    """Enter a new default address for callbacks in the portal of the partner, and return it."""
    url = f"http://postbox/{uuid4().hex}"
    portal = {"partner_id": PARTNER, "api_key": FIRST, "callback_url": url}
    assert (await rig.simulator.put("/smile_id/portal", json=portal)).status_code == 204
    return url


@asynccontextmanager
async def handing_on(rig: Rig, play: Play) -> AsyncIterator[None]:
    """Hand everything on that comes to the postbox, replays too."""

    async def hand_on() -> None:
        done = 0
        while True:
            for sent in rig.postbox.of(play.url)[done:]:
                assert await rig.post(play, sent) == 200
                done += 1
            await asyncio.sleep(0.05)

    task = asyncio.create_task(hand_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def decisions(rig: Rig, sender: str, url: str, jobs: Mapping[str, Mapping[str, str]]) -> list[Decision | None]:
    """Register jobs as a backend does, hand their callbacks on, and return what Vigil has found for each."""
    plays = [
        Play("smile_id", VerificationKey(account="smile-id", reference=reference), coordinates, sender, url)
        for reference, coordinates in jobs.items()
    ]
    for play in plays:
        await rig.register(play)
    await rig.time.passes(timedelta(minutes=10))
    async with handing_on(rig, plays[0]):
        records = await asyncio.gather(*map(rig.complete, plays))
    return [record.verdict.decision for record in records]


class Proxy:
    """Hands requests on to a server, and says that they came over https."""

    def __init__(self, inner: httpx.AsyncClient) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, is_more = b"", True
        while is_more:
            message = await receive()
            body, is_more = body + message.get("body", b""), message.get("more_body", False)
        headers = [*scope["headers"], (b"x-forwarded-proto", b"https")]
        answer = await self._inner.request(scope["method"], scope["raw_path"].decode(), headers=headers, content=body)
        kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() in ANSWER_HEADERS]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": answer.content})


@asynccontextmanager
async def in_tls(inner: httpx.AsyncClient, folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Put a proxy with TLS before a server. Yields its address, and the certificate by which it is trusted."""
    _, trusted = certificate(folder)
    config = uvicorn.Config(
        Proxy(inner),
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
        ssl_certfile=trusted,
        ssl_keyfile=trusted.with_suffix(".key"),
    )
    listener = open_listener("127.0.0.1", 0)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve(sockets=[listener]))  # without the handling of signals
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", trusted
    finally:
        server.should_exit = True
        await task


def of_v1(user: str, *names_and_types: tuple[str, str]) -> Mapping[str, Mapping[str, str]]:
    return {name: {"user_id": user, "job_type": job_type} for name, job_type in names_and_types}


def submit_with_python(server: str, callback: str, folder: Path) -> tuple[dict[str, Any], ...]:
    web, lookups = WebApi(PARTNER, callback, FIRST, server), IdApi(PARTNER, FIRST, server)
    images = [{"image_type_id": number, "file_name": str(folder / f"{number}.jpg"), "image": ""} for number in (0, 1)]
    for image in images:
        Path(str(image["file_name"])).write_bytes(JPEG)
    uploaded = web.submit_job(params("upload", 6), images, {"country": "GH", "id_type": "PASSPORT"}, OPTIONS)
    found = lookups.submit_job(params("lookup", 5), PERSON)
    token = web.get_web_token("jane döe", "jöb 12 token", "biometric_kyc")
    return uploaded, found, token


async def test_jobs_of_smile_id_core_are_tracked_whatever_ids_a_partner_chose(stepped: Rig, tmp_path: Path) -> None:
    url = await new_portal(stepped)
    server = f"{stepped.simulator.base_url}/smile_id/v1"

    uploaded, found, token = await asyncio.to_thread(submit_with_python, server, url, tmp_path)
    jobs = of_v1("jane döe", ("jöb 12 upload", "6"), ("jöb 12 lookup", "5"), ("jöb 12 token", "1"))

    assert uploaded["success"]
    assert found["ResultCode"] == "1012"
    assert Signature(PARTNER, FIRST).confirm_signature(found["timestamp"], found["signature"])
    assert token["success"]
    assert await decisions(stepped, "v1", url, jobs) == [Decision.APPROVED] * 3


@pytest.mark.skipif(not (shutil.which("node") and (NPM / "node_modules").is_dir()), reason=NO_NODE)
async def test_jobs_that_the_client_for_node_creates_over_tls_are_tracked(stepped: Rig, tmp_path: Path) -> None:
    url = await new_portal(stepped)

    async with in_tls(stepped.simulator, tmp_path) as (server, trusted):
        command = ("node", "submit.js", f"{server}/smile_id/v1", PARTNER, FIRST, url)
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(trusted)}
        process = await asyncio.create_subprocess_exec(*command, cwd=NPM, env=environment, stdout=-1, stderr=-1)
        out, failure = await process.communicate()
    assert process.returncode == 0, failure.decode()
    answers = json.loads(out)
    kinds = (("npm-upload", "6"), ("npm-lookup", "5"), ("npm-later", "5"), ("npm-token", "1"))

    assert answers["upload"]["success"]
    assert answers["lookup"]["ResultCode"] == "1012"
    assert answers["later"] == {"success": True}
    assert answers["token"]["success"]
    assert await decisions(stepped, "v1", url, of_v1("npm-user", *kinds)) == [Decision.APPROVED] * 4


def submit_with_v3(server: str, trusted: Path) -> list[usesmileid.AcceptedResponse]:
    consent = usesmileid.Consent.granted(
        granted_at="2026-11-28T10:00:00.000Z",
        notice_language="en",
        notice_privacy_policy_url="https://backend.example/privacy",
    )
    common: dict[str, Any] = {
        "consent": consent,
        "user_details": {"given_names": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "partner_params": {"tenant": "north"},
    }
    face: dict[str, Any] = {"selfie_image": JPEG, "liveness_images": [JPEG] * 2}
    http = httpx.Client(verify=ssl.create_default_context(cafile=trusted), trust_env=False)
    with usesmileid.Client(partner_id=PARTNER, api_key=FIRST, base_url=server, http_client=http) as client, http:
        return [
            client.enhanced_kyc.verify(country="NG", id_type="VOTER_ID", id_number="INVENTED0001", **common),
            client.documents.verify(country="GH", document=JPEG, **face, **common),
            client.documents.verify_residency(country="GH", document=JPEG, visa=b"\x89PNG", **face, **common),
            client.biometric_kyc.verify(country="NG", id_type="VOTER_ID", id_number="INVENTED0001", **face, **common),
            client.biometric.enroll(**face, **common),
        ]


async def test_jobs_that_usesmileid_creates_over_tls_are_tracked(stepped: Rig, tmp_path: Path) -> None:
    url = await new_portal(stepped)

    async with in_tls(stepped.simulator, tmp_path) as (server, trusted):
        accepted = await asyncio.to_thread(submit_with_v3, f"{server}/smile_id", trusted)
    jobs = {str(each.job_id): dict[str, str]() for each in accepted}

    assert all(each.is_accepted for each in accepted)
    assert await decisions(stepped, "v3", url, jobs) == [Decision.APPROVED] * 5
