"""A download that is cut goes on only where the server proves that it still has the same file."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from tests.providers.raw_server import Answer, HangUp, RawServer, Response
from vigil.domain.errors import ArtifactLost, ProviderUnavailable
from vigil.outbound_http import certificates
from vigil.providers.downloads import MAX_RESUMES, stream_with_resume
from vigil.providers.transport import open_response

FILE = bytes(number * 31 % 251 for number in range(300_000))
ETAG = '"v1"'
CHUNK = 65_536


class CuttingServer(RawServer):
    """Sends one file, and cuts the n-th answer after `cuts[n]` bytes. Resumes as HTTP defines it by default."""

    def __init__(self) -> None:
        super().__init__()
        self.cuts: list[int] = []
        self.whole: dict[str, str] = {"ETag": ETAG}
        self.part: dict[str, str] = {}
        self.instead: list[Answer] = []
        """Answers to the first requests for a rest."""
        self.ranges: list[tuple[str | None, str | None]] = []

    async def answer(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        asked = headers.get("range")
        self.ranges.append((asked, headers.get("if-range")))
        if asked and self.instead:
            return self.instead.pop(0)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = FILE[start:]
        sent = rest[: self.cuts.pop(0)] if self.cuts else rest
        span = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"} if asked else {}
        return Response(
            206 if asked else 200, sent, self.whole | span | (self.part if asked else {}), announced=len(rest)
        )


@pytest_asyncio.fixture
async def server() -> AsyncIterator[CuttingServer]:
    async with CuttingServer().listening() as server:
        yield server


async def download(server: CuttingServer, *, largest: int = 10**9) -> bytes:
    async with httpx.AsyncClient(verify=certificates(), timeout=0.5, trust_env=False) as http:

        def ask(headers: Mapping[str, str]) -> AbstractAsyncContextManager[httpx.Response]:
            request = http.build_request("POST", server.base_url, headers={"Accept-Encoding": "identity", **headers})
            return open_response(http, request)

        async with ask({}) as first:
            chunks = [chunk async for chunk in stream_with_resume(first, ask, largest=largest, pause=timedelta(0))]
            assert max(map(len, chunks), default=0) <= 1024 * 1024
            return b"".join(chunks)


CUTS = [
    [0],
    [1],
    [CHUNK - 1],
    [CHUNK],
    [CHUNK + 1],
    [len(FILE) - 1],
    [0, 0, 0],
    [1, 1, 1],
    [CHUNK] * 4,
    [200_000, 99_999],
]


@pytest.mark.parametrize("cuts", CUTS, ids=str)
async def test_a_file_is_whole_after_cuts_at(server: CuttingServer, cuts: list[int]) -> None:
    server.cuts = cuts[:]
    starts = [sum(cuts[:number]) for number in range(1, len(cuts) + 1)]

    assert await download(server) == FILE
    assert server.ranges == [(None, None), *((f"bytes={start}-", ETAG) for start in starts)]


@given(cuts=st.lists(st.integers(0, 40_000), max_size=MAX_RESUMES))
@given_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_file_is_whole_after_any_cuts(cuts: list[int]) -> None:
    async with CuttingServer().listening() as server:
        server.cuts = cuts[:]

        assert await download(server) == FILE


async def test_it_gives_up_after_so_many_cuts(server: CuttingServer) -> None:
    server.cuts = [10] * 100

    with pytest.raises(ProviderUnavailable, match=r"^cut_short$"):
        await download(server)

    assert len(server.ranges) == 1 + 8


@pytest.mark.parametrize("trouble", [Response(503), Response(500), HangUp()])
async def test_a_server_that_is_away_for_a_moment_is_asked_again(server: CuttingServer, trouble: Answer) -> None:
    server.cuts = [1000]
    server.instead = [trouble, trouble]

    assert await download(server) == FILE


@pytest.mark.parametrize(
    "whole",
    [
        {},
        {"ETag": 'W/"v1"'},
        {"ETag": ""},
        {"Last-Modified": "Tue, 04 Mar 2031 09:05:00 GMT"},
    ],
)
async def test_without_a_strong_mark_nothing_is_taken_up_again(server: CuttingServer, whole: dict[str, str]) -> None:
    server.whole, server.cuts = whole, [1000]

    with pytest.raises(ProviderUnavailable, match=r"^cut_short$"):
        await download(server)

    assert len(server.ranges) == 1


LAST, SIZE = len(FILE) - 1, len(FILE)
OTHERS: dict[str, Any] = {
    "the whole file": Response(200, FILE, {"ETag": ETAG}),
    "another file": Response(200, FILE[::-1], {"ETag": '"v2"'}),
    "a rest of another file": Response(
        206, FILE[1000:], {"ETag": '"v2"', "Content-Range": f"bytes 1000-{LAST}/{SIZE}"}
    ),
    "a rest of a longer file": Response(
        206, FILE[1000:], {"ETag": ETAG, "Content-Range": f"bytes 1000-{LAST}/{SIZE + 1}"}
    ),
    "a rest of unknown length": Response(206, FILE[1000:], {"ETag": ETAG, "Content-Range": f"bytes 1000-{LAST}/*"}),
    "a rest that begins too early": Response(
        206, FILE[999:], {"ETag": ETAG, "Content-Range": f"bytes 999-{LAST}/{SIZE}"}
    ),
    "a rest that begins too late": Response(
        206, FILE[1001:], {"ETag": ETAG, "Content-Range": f"bytes 1001-{LAST}/{SIZE}"}
    ),
    "a rest that says nothing": Response(206, FILE[1000:]),
    "a rest of it does not say what": Response(206, FILE[1000:], {"Content-Range": f"bytes 1000-{LAST}/{SIZE}"}),
    "several parts": Response(206, FILE[1000:], {"Content-Type": "multipart/byteranges; boundary=x"}),
    "another encoding": Response(
        206, FILE[1000:], {"ETag": ETAG, "Content-Encoding": "gzip", "Content-Range": f"bytes 1000-{LAST}/{SIZE}"}
    ),
    "out of range": Response(416),
    "no such file": Response(404),
    "elsewhere": Response(302, headers={"Location": "http://127.0.0.1:1/"}),
}


@pytest.mark.parametrize("instead", OTHERS.values(), ids=OTHERS.keys())
async def test_what_does_not_prove_to_be_the_rest_is_not_taken(server: CuttingServer, instead: Answer) -> None:
    server.cuts, server.instead = [1000], [instead]

    with pytest.raises(ProviderUnavailable, match=r"^not_resumable$"):
        await download(server)

    assert len(server.ranges) == 2


async def test_a_rest_that_is_longer_than_it_says_spoils_the_file(server: CuttingServer) -> None:
    server.cuts = [1000]
    server.instead = [Response(206, FILE, {"ETag": ETAG, "Content-Range": f"bytes 1000-{LAST}/{SIZE}"})]

    with pytest.raises(ProviderUnavailable):
        await download(server)


async def test_a_rest_in_two_pieces_is_put_together(server: CuttingServer) -> None:
    server.cuts = [1000]
    server.instead = [Response(206, FILE[1000:2000], {"ETag": ETAG, "Content-Range": f"bytes 1000-1999/{SIZE}"})]

    assert await download(server) == FILE
    assert [asked for asked, _ in server.ranges] == [None, "bytes=1000-", "bytes=2000-"]


@pytest.mark.parametrize("cuts", [[], [1000], [SIZE - 1]])
async def test_a_file_is_too_large_however_often_it_is_taken_up(server: CuttingServer, cuts: list[int]) -> None:
    server.cuts = cuts[:]
    assert await download(server, largest=SIZE) == FILE

    server.cuts = cuts[:]
    with pytest.raises(ArtifactLost, match=r"^too_large$"):
        await download(server, largest=SIZE - 1)
