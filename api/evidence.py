"""The timeline and the files behind a verification."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from api.addressing import Key
from api.parts import Parts
from api.problems import Problem, problem_responses
from api.views import EvidenceView, TimelineView, evidence_of, timeline_of
from vigil.domain.terms import ArtifactState, Frozen
from vigil.lookup import VerificationLookup
from vigil.storage.contract import NotStored

_OPEN: Final = "Of an open verification this needs a worker: 503 with `Retry-After` without one."


class LedgerView(Frozen):
    """Which files there are, and what became of each."""

    evidence: tuple[EvidenceView, ...]


def evidence_routes(parts: Parts, lookup: VerificationLookup) -> APIRouter:
    """Return the routes that look behind a verdict."""
    routes = APIRouter(tags=["evidence"])
    below = "/verifications/{account}/{reference:path}"

    @routes.get(below + "/timeline", summary="What was heard, asked and decided", description=_OPEN,
                responses=problem_responses(404))  # fmt: skip
    async def timeline(key: Key) -> TimelineView:
        return timeline_of(await lookup.read_record(key))

    @routes.get(below + "/evidence", summary="List the files", description=_OPEN, responses=problem_responses(404))
    async def ledger(key: Key) -> LedgerView:
        return LedgerView(evidence=evidence_of(await lookup.read_record(key)))

    @routes.get(
        below + "/evidence/{name}",
        summary="Bring one file",
        description="Streamed, always as a download. 409 while it is not stored; `type` says how it stands. " + _OPEN,
        response_class=StreamingResponse,
        responses={200: {"content": {"application/octet-stream": {}}}, **problem_responses(404, 409)},
    )
    async def file(key: Key, name: Annotated[str, Path()]) -> StreamingResponse:
        record = await lookup.read_record(key)
        row = next((row for row in record.evidence if row.name == name), None)
        if row is None:
            raise Problem(404, "unknown_file", "The verification has no file of that name")
        if row.state is not ArtifactState.STORED or row.stored_as is None:
            raise Problem(409, f"file_{row.state}", "The file is not stored", detail=row.loss)
        chunks = await _opened(parts.storage.open(row.stored_as))
        headers = {
            "Content-Disposition": f'attachment; filename="{row.name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        if row.size is not None:
            headers["Content-Length"] = str(row.size)
        return StreamingResponse(chunks, media_type=row.media_type or "application/octet-stream", headers=headers)

    return routes


async def _opened(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first chunk, so that what cannot be opened is a problem and not half an answer."""
    try:
        first = await anext(chunks, b"")
    except NotStored:
        raise Problem(
            503,
            "file_not_found",
            "The file is listed as stored, and the storage does not have it",
            headers={"Retry-After": "5"},
        ) from None
    return _chained(first, chunks)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
