"""The person's data of a verification: the claims, and the provider's answer itself."""

from typing import Final

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, JsonValue

from api.dependencies import Caller, Key, Needs, Process
from api.problems import problem_responses
from vigil.audit import Read
from vigil.config.keys import Right
from vigil.domain.claims import Claims
from vigil.domain.record import Record
from vigil.domain.terms import Decision, Name, Outcome, Shown, Stage
from vigil.domain.verification_key import VerificationKey

_NEEDS_WORKER: Final = "While the verification is open it needs a worker: 503 with `Retry-After` if none answers."
_PRIVATE: Final = {"Cache-Control": "private, no-store"}

router: Final = APIRouter(prefix="/verifications/{account}/{reference:path}", tags=["claims"])


_EXAMPLE: Final[dict[str, JsonValue]] = {
    "account": "sandbox",
    "reference": "4711",
    "revision": 1,
    "sequence": 7,
    "stage": "complete",
    "decision": "approved",
    "outcome": "decided",
    "verified_claims": {
        "verification": {
            "time": "2025-12-03T12:00:00Z",
            "evidence": [{"type": "document", "document_details": {"document_number": "X0000001"}}],
        },
        "claims": {"given_name": "Ada", "family_name": "Example", "birthdate": "1990-02-09"},
    },
    "sources": {
        "/claims/given_name": {"pointer": "/identity/first_name", "raw": "Ada"},
        "/claims/family_name": {"pointer": "/identity/name", "raw": "Example"},
        "/claims/birthdate": {"pointer": "/identity/birth_date", "raw": "1990-02-09"},
        "/verification/evidence/0/document_details/document_number": {
            "pointer": "/extracted_data/identity/0/extra/id_number",
            "raw": "X0000001",
        },
    },
}


class ClaimsView(Claims):
    """The claims of a verification. They are verified only if `decision` is `approved`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    account: Name
    reference: str
    revision: int
    sequence: int
    stage: Shown[Stage]
    decision: Shown[Decision] | None
    outcome: Shown[Outcome] | None

    @classmethod
    def of(cls, key: VerificationKey, record: Record, claims: Claims) -> "ClaimsView":
        """Return the view of the claims in the last answer that a record names."""
        verdict, snapshot = record.verdict, record.reads.snapshot
        return cls(
            account=key.account,
            reference=key.reference,
            revision=verdict.revision,
            sequence=record.sequence,
            stage=verdict.stage,
            decision=verdict.decision,
            outcome=verdict.outcome,
            verified_claims=claims.verified_claims.finished_at(snapshot.provider_finished_at if snapshot else None),
            sources=claims.sources,
        )


@router.get(
    "/claims",
    summary="Read the person's data",
    description="Names, birth date, documents and the like from the provider's last answer, in the shape of OpenID "
    "Connect for Identity Assurance. What the provider does not give is absent. `sources` says where each claim was "
    f"found. 409 `no_result` if there is no answer yet. {_NEEDS_WORKER}",
    responses=problem_responses(404, 409, 410),
    dependencies=[Depends(Needs(Right.PERSONAL))],
)
async def read_claims(key: Key, caller: Caller, process: Process, response: Response) -> ClaimsView:
    """Return the claims in the provider's last answer."""
    record = await process.lookup.read_record(key)
    claims = await process.lookup.read_claims(record)
    await process.note_read(caller, Read.CLAIMS, key)
    response.headers.update(_PRIVATE)
    return ClaimsView.of(key, record, claims)


@router.get(
    "/result",
    summary="Read the provider's last answer",
    description="As the provider wrote it, but without the pictures inside it, which are files. 409 `no_result` if "
    f"there is no answer yet. {_NEEDS_WORKER}",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, **problem_responses(404, 409, 410)},
    dependencies=[Depends(Needs(Right.PERSONAL))],
)
async def read_result(key: Key, caller: Caller, process: Process) -> Response:
    """Return the provider's last stored answer."""
    result = await process.lookup.read_result(await process.lookup.read_record(key))
    await process.note_read(caller, Read.RESULT, key)
    headers = {**_PRIVATE, "Content-Disposition": 'attachment; filename="result.json"'}
    return Response(result, headers=headers, media_type="application/json")
