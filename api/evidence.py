"""The timeline and the files of a verification."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse

from api.dependencies import Caller, Key, Needs, Process
from api.file_bodies import digest_header, first_byte, headers_for, skip_bytes, wants_digest
from api.problems import Problem, problem_responses
from api.schemas import EvidenceListView, TimelineView
from api.security_headers import served_media_type
from vigil.audit import Read
from vigil.config.keys import Right
from vigil.domain.retention import Kept
from vigil.domain.terms import ArtifactState
from vigil.storage.contract import NotStored

_NEEDS_WORKER: Final = "While the verification is open it needs a worker: 503 with `Retry-After` if none answers."

router: Final = APIRouter(prefix="/verifications/{account}/{reference:path}", tags=["evidence"])


@router.get(
    "/timeline",
    summary="Return what was received, read and decided",
    description=_NEEDS_WORKER,
    responses=problem_responses(404, 410),
    dependencies=[Depends(Needs(Right.READ))],
)
async def read_timeline(key: Key, process: Process) -> TimelineView:
    """Return the timeline."""
    record = await process.lookup.read_record(key)
    return TimelineView.of(record, await process.lookup.read_notifications(key))


@router.get(
    "/evidence",
    summary="List the files",
    description=_NEEDS_WORKER,
    responses=problem_responses(404, 410),
    dependencies=[Depends(Needs(Right.READ))],
)
async def list_evidence(key: Key, process: Process) -> EvidenceListView:
    """Return the state of each file."""
    return EvidenceListView.of(await process.lookup.read_record(key))


@router.get(
    "/evidence/{name}",
    summary="Download one file",
    description="Streamed, always as a download. 409 if it is not stored; `type` has its state. `Range: bytes=N-` with "
    "`If-Range` continues a download that was cut; `Want-Repr-Digest: sha-256` asks for the digest of the whole file. "
    f"{_NEEDS_WORKER}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"*/*": {}}},
        206: {"description": "The rest of the file", "content": {"*/*": {}}},
        **problem_responses(404, 409, 410),
    },
    dependencies=[Depends(Needs(Right.PERSONAL))],
)
async def download_file(
    key: Key, name: Annotated[str, Path()], request: Request, caller: Caller, process: Process
) -> StreamingResponse:
    """Stream a stored file, or the rest of one."""
    record = await process.lookup.read_record(key)
    row = next((row for row in record.evidence if row.name == name), None)
    if row is None:
        raise Problem(404, "unknown_file", "The verification has no file of that name")
    if row.state is not ArtifactState.STORED or row.stored_as is None:
        raise Problem(409, f"file_{row.state}", "The file is not stored", detail=row.loss)
    await process.note_read(caller, Read.FILE, key, row.name)
    is_aged = partial(process.lookup.has_aged, key, Kept.ARTIFACTS)
    start, stored = first_byte(request.headers, row), process.storage.open
    digest = await digest_header(await _open(stored(row.stored_as), is_aged)) if wants_digest(request.headers) else {}
    chunks = await _open(skip_bytes(stored(row.stored_as), start), is_aged)
    return StreamingResponse(
        chunks,
        status_code=206 if start else 200,
        media_type=served_media_type(row.media_type),
        headers={**headers_for(row, start), **digest},
    )


@router.get(
    "/export",
    summary="Download what is stored, as a zip",
    description="A zip: record, timeline, notifications, claims, results, files, and callbacks with their bodies. Its "
    "last entry, `manifest.json`, has the SHA-256 digest of each other entry. An answer that was cut is no zip. "
    f"{_NEEDS_WORKER}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}, **problem_responses(404, 410)},
    dependencies=[Depends(Needs(Right.PERSONAL))],
)
async def export(key: Key, caller: Caller, process: Process) -> StreamingResponse:
    """Stream what is stored of a verification, but for quarantined callbacks."""
    pieces = await process.exporter.open(key)
    await process.note_read(caller, Read.EXPORT, key)
    headers = {"Content-Disposition": 'attachment; filename="export.zip"', "Cache-Control": "private, no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


async def _open(chunks: AsyncIterator[bytes], is_aged: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """Wait for the first chunk, so that a file that cannot be opened is a problem and not half a response."""
    try:
        first = await anext(chunks, b"")
    except NotStored:
        if await is_aged():
            raise Problem(410, "file_expired", "The file was kept as long as the settings say") from None
        title = "The file is listed as stored, and the storage does not have it"
        raise Problem(503, "file_not_found", title, headers={"Retry-After": "5"}) from None
    return _prepend(first, chunks)


async def _prepend(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
