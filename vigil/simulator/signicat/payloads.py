"""Assure's JSON, written from its documents, about an invented person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.simulator.signicat.contracts import depictions, process_type, sub_provider
from vigil.simulator.signicat.scenario import Generation, SignicatScenario

MARKERS: Final = {
    "first_name": "Quillabethe",
    "last_name": "Vandermossig",
    "last_name_second_line": "Oorthwyn-Tarpesh",
    "birth_date": "1908-11-27",
    "birth_place": "Nether Plimsworth",
    "document_number": "VX8842CANARY",
    "personal_number": "271108-4471Q",
    "address": "Dunmarsh Parade 88",
    "mrz_line": "P<ZZZVANDERMOSSIG<<QUILLABETHE<<<<<<<",
    "similarity": "0.917300773",
}
"""The invented person, in words that occur nowhere else, so that one in a log proves a leak."""

PENDING: Final = "pending"
PROCESSING: Final = "processing"
EXAMINED: Final = ("accepted", "rejected", "inconclusive")
_FAILURE: Final = {"type": "system_requirements", "message": "camera not available"}


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of a process at the time of a request."""

    reference: str
    scenario: SignicatScenario
    status: str
    created_at: datetime
    updated_at: datetime

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of dossier and process."""
        dossier, _, process = self.reference.partition(":")
        return dossier, process

    @property
    def is_final(self) -> bool:
        """Whether the process has ended."""
        return self.status not in {PENDING, PROCESSING}


def written(moment: datetime) -> str:
    """Return a time as Assure writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def brief(state: State) -> dict[str, Any]:
    """Return a process as its dossier lists it."""
    kind = process_type(state.scenario)
    return {
        "processId": state.ids[1],
        "provider": state.scenario.provider,
        **({} if kind is None else {"processType": kind}),
        "status": state.status,
        "createdAt": written(state.created_at),
        "updatedAt": written(state.updated_at),
    }


def listed(state: State) -> dict[str, Any]:
    """Return a process as the list over all dossiers shows it."""
    dossier, process = state.ids
    # ReadID has no id of its own for a process before that has ended.
    is_ours = state.scenario.provider == "readid" and not state.is_final
    return {
        **brief(state),
        **_failure(state),
        "dossier": {"dossierId": dossier, "externalReference": state.scenario.external_reference},
        "externalId": process if is_ours else f"ext-{process}",
    }


def created(state: State) -> dict[str, Any]:
    """Return the answer to the creation of a process, which holds secrets of the sub-provider."""
    return {
        **brief(state),
        "authorization": f"sdk-token-{state.ids[1]}",
        "providerApiUrl": "https://sub-provider.example.invalid/v2",
    }


def process(state: State) -> dict[str, Any]:
    """Return a process as its own address shows it."""
    scenario = state.scenario
    body = {**brief(state), **_failure(state)}
    # The older generation shows its callback address, and never the header that it sends there.
    urls = [each.url for each in scenario.endpoints if (each.generation or scenario.generation) is Generation.LEGACY]
    if urls:
        body["notificationUrl"] = urls[0]
    if state.is_final:
        body["depictions"] = list(depictions(scenario))
    if state.status in sub_provider(scenario.provider).has_final_result:
        body["finalResult"] = _final_result()
    if state.status in EXAMINED:
        body["providerSpecific"] = _provider_specific(state)
    return body


def callback(reference: str, status: str) -> dict[str, str]:
    """Return the body of a callback of the older generation."""
    dossier, _, process = reference.partition(":")
    return {"dossierId": dossier, "processId": process, "status": status}


def event(event_id: str, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return an event's envelope. Of its data only the name of the dossier's reference is documented."""
    return {
        "id": event_id,
        "timestamp": _seven_digits(at),
        "sender": "assure-api",
        "eventName": "process.complete",
        "eventData": data,
        "accountId": "a-simulated-000000000000000",
        "organizationId": None,
        "expiresAt": _seven_digits(at + timedelta(days=1)),
        "tags": [],
    }


def raw(state: State) -> dict[str, Any]:
    """Return ReadID's own result of a process."""
    return {"sessionId": f"ext-{state.ids[1]}", "documentContent": _person()}


def _seven_digits(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _failure(state: State) -> dict[str, Any]:
    return {"failReason": _FAILURE} if state.status == "failed" else {}


def _final_result() -> dict[str, Any]:
    return {
        "firstName": MARKERS["first_name"],
        "lastName": MARKERS["last_name"],
        "lastNameSecondLine": MARKERS["last_name_second_line"],
        "dateOfBirth": MARKERS["birth_date"],
        "placeOfBirth": MARKERS["birth_place"],
        "gender": "F",
        "nationality": "ZZZ",
        "documentType": "passport",
        "documentNumber": MARKERS["document_number"],
        "issuingCountry": "ZZZ",
        "dateOfIssue": "2029-01-05",
        "dateOfExpiry": "2039-01-05",
        "personalIdentificationNumber": MARKERS["personal_number"],
        "similarityScore": "high",
        "livenessDetected": True,
    }


def _provider_specific(state: State) -> dict[str, Any]:
    body: dict[str, Any] = {"ocr": _person()}
    if state.scenario.provider == "onfido":
        body |= {"documentVerification": _verdict(state.status), "facialSimilarity": {"result": "clear"}}
    if process_type(state.scenario) in {"high", "attended"}:
        _, process = state.ids
        body["manualApproval"] = {
            "rejectionReasons": ["documentNotValid"] if state.status == "rejected" else [],
            "videoId": f"ext-{process}",
            "verificationId": f"agent-{process}",
            "verificationDate": written(state.updated_at),
        }
    return body


def _verdict(status: str) -> dict[str, str]:
    return {
        "accepted": {"result": "clear", "subResult": "clear"},
        "rejected": {"result": "consider", "subResult": "suspected"},
    }.get(status, {"result": "consider", "subResult": "consider"})


def _person() -> dict[str, Any]:
    return {**MARKERS, "similarity": float(MARKERS["similarity"])}
