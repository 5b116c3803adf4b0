"""Nothing that the API answers can run, be framed or be sniffed in the browser of a person who opens it."""

from pathlib import Path

import httpx
import pytest

from tests.api.test_verifications import backend, body, path
from tests.sealed import connect
from tests.world import APPROVED_WITH_FILE, SaidReader, World

PAGE = b"<script>alert(document.cookie)</script>"


@pytest.fixture
async def world(temporal_address: str, tmp_path: Path) -> World:
    return World(await connect(temporal_address, "default"), tmp_path)


def harmless(answer: httpx.Response) -> bool:
    headers = answer.headers
    return (
        headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        and headers["x-content-type-options"] == "nosniff"
        and headers["x-frame-options"] == "DENY"
        and headers["referrer-policy"] == "no-referrer"
        and headers["cross-origin-resource-policy"] == "same-origin"
        and "no-store" in headers["cache-control"]
    )


async def test_every_answer_forbids_scripts_frames_and_guesses_of_its_type(world: World) -> None:
    async with backend(world) as client:
        answers = [
            await client.get("/health/live"),
            await client.get("/metrics"),
            await client.get("/openapi.json"),
            await client.get("/no/such/path"),
            await client.put("/verifications"),
            await client.post("/verifications", content=b"<script>"),
            await client.get(path(world)),
            await client.post("/verifications", json=body(world)),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 405, 415, 404, 201]
    assert [answer for answer in answers if not harmless(answer)] == []


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "TEXT/HTML", "x\r\ny"])
async def test_a_file_that_its_provider_calls_a_page_is_served_as_plain_bytes(world: World, media_type: str) -> None:
    assert isinstance(world.reader, SaidReader)
    world.reader.media_type = media_type
    world.reader.files["portrait-1"] = PAGE
    world.reader.say(APPROVED_WITH_FILE)
    async with backend(world) as client, world.workers():
        await client.post("/verifications", json=body(world))
        await client.post(path(world, "/poll"), headers={"Idempotency-Key": "poll-0001"})
        await world.result()
        file = await client.get(path(world, "/evidence/portrait-1"))

    assert (file.status_code, file.content) == (200, PAGE)
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"] == 'attachment; filename="portrait-1"'
    assert harmless(file)
