"""Assure's JSON, written from what its documents show, with an invented person inside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from vigil.domain.terms import Frozen
from vigil.simulator.signicat.habits import depictions, habits, process_type
from vigil.simulator.signicat.scenario import Generation, SignicatScenario
from vigil.simulator.signicat.script import PENDING, PROCESSING

CANARIES: Final = {
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
"""The invented person, in words that occur nowhere else: whoever finds one in a log has found a leak."""

EXAMINED: Final = ("accepted", "rejected", "inconclusive")


class Ids(Frozen):
    """What Assure calls a process."""

    dossier: str
    process: str

    @property
    def reference(self) -> str:
        """Both ids in one."""
        return f"{self.dossier}:{self.process}"


class Standing(Frozen):
    """How a process stands when somebody asks."""

    ids: Ids
    status: str
    created_at: datetime
    updated_at: datetime
    fail_reason: Mapping[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        """Whether the process has ended."""
        return self.status not in {PENDING, PROCESSING}


def written(moment: datetime) -> str:
    """Write a time as Assure does: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def brief(scenario: SignicatScenario, standing: Standing) -> dict[str, Any]:
    """Return a process as its dossier lists it."""
    kind = process_type(scenario)
    return {
        "processId": standing.ids.process,
        "provider": scenario.provider,
        **({} if kind is None else {"processType": kind}),
        "status": standing.status,
        "createdAt": written(standing.created_at),
        "updatedAt": written(standing.updated_at),
    }


def listed(scenario: SignicatScenario, standing: Standing) -> dict[str, Any]:
    """Return a process as the list over all dossiers has it."""
    dossier: Any = standing.ids.dossier
    if scenario.dossier_listed_as == "object":
        dossier = {"dossierId": standing.ids.dossier, "externalReference": scenario.external_reference}
    # ReadID has no id of its own for a process before that has finished.
    is_ours = scenario.provider == "readid" and not standing.is_final
    external = standing.ids.process if is_ours else f"ext-{standing.ids.process}"
    return {**brief(scenario, standing), "dossier": dossier, "externalId": external, **_failure(standing)}


def created(scenario: SignicatScenario, standing: Standing) -> dict[str, Any]:
    """Return the answer to the creation of a process: it holds the sub-provider's secrets."""
    return {
        **brief(scenario, standing),
        "authorization": f"sdk-token-{standing.ids.process}",
        "providerApiUrl": "https://sub-provider.example.invalid/v2",
    }


def process(scenario: SignicatScenario, standing: Standing) -> dict[str, Any]:
    """Return a process as whoever asks for it alone sees it."""
    told = {**brief(scenario, standing), **_failure(standing)}
    # The older generation showed where it calls back, and never the header that it sends there.
    urls = [each.url for each in scenario.endpoints if (each.generation or scenario.generation) is Generation.LEGACY]
    if urls:
        told["notificationUrl"] = urls[0]
    if not standing.is_final:
        return told
    told["depictions"] = list(depictions(scenario))
    if scenario.status_reasons and standing.status in {"rejected", "inconclusive"}:
        told["statusReasons"] = list(scenario.status_reasons)
    if _tells_final_result(scenario, standing.status):
        told["finalResult"] = _final_result(scenario)
    if standing.status in EXAMINED:
        told["providerSpecific"] = _provider_specific(scenario, standing)
    return told


def callback(ids: Ids, status: str) -> dict[str, str]:
    """Return the body of a callback of the older generation."""
    return {"dossierId": ids.dossier, "processId": ids.process, "status": status}


def event(scenario: SignicatScenario, ids: Ids, *, number: str, name: str, status: str, at: datetime) -> dict[str, Any]:
    """Return an event's envelope. Of its data only the name of the dossier's reference is known."""
    data: dict[str, Any] = {"externalReference": scenario.external_reference}
    if scenario.event_data_ids:
        data = {**callback(ids, status), **data}
    return {
        "id": number,
        "timestamp": _seven_digits(at),
        "sender": "assure-api",
        "eventName": name,
        "eventData": data,
        "accountId": "a-simulated-000000000000000",
        "organizationId": None,
        "expiresAt": _seven_digits(at + scenario.event_expires_after),
        "tags": list(scenario.event_tags),
    }


def raw(ids: Ids) -> dict[str, Any]:
    """Return what ReadID itself said of a process."""
    return {"sessionId": f"ext-{ids.process}", "documentContent": _person()}


def _seven_digits(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _failure(standing: Standing) -> dict[str, Any]:
    return {} if standing.fail_reason is None else {"failReason": dict(standing.fail_reason)}


def _tells_final_result(scenario: SignicatScenario, status: str) -> bool:
    if scenario.tells_final_result is not None:
        return scenario.tells_final_result
    # Assure promises it for accepted processes alone; its own example of a rejected Paper process has one.
    told = {"accepted", "rejected"} if habits(scenario.provider).sender == "paper" else {"accepted"}
    return status in told and habits(scenario.provider).tells_final_result


def _final_result(scenario: SignicatScenario) -> dict[str, Any]:
    return {
        "firstName": CANARIES["first_name"],
        "lastName": CANARIES["last_name"],
        "lastNameSecondLine": CANARIES["last_name_second_line"],
        "dateOfBirth": CANARIES["birth_date"],
        "placeOfBirth": CANARIES["birth_place"],
        "gender": "F",
        "nationality": "ZZZ",
        "documentType": "passport",
        "documentNumber": CANARIES["document_number"],
        "issuingCountry": "ZZZ",
        "dateOfIssue": "2029-01-05",
        "dateOfExpiry": "2039-01-05",
        "personalIdentificationNumber": CANARIES["personal_number"],
        "similarityScore": "high",
        "livenessDetected": "true" if scenario.liveness_detected_as == "string" else True,
    }


def _provider_specific(scenario: SignicatScenario, standing: Standing) -> dict[str, Any]:
    told: dict[str, Any] = {"ocr": _person()}
    if scenario.provider == "onfido":
        told |= {"documentVerification": _verdict(standing.status), "facialSimilarity": {"result": "clear"}}
    if habits(scenario.provider).sender == "electronic-identification" and process_type(scenario) in {
        "high",
        "attended",
    }:
        told["manualApproval"] = {
            "rejectionReasons": ["documentNotValid"] if standing.status == "rejected" else [],
            "videoId": f"ext-{standing.ids.process}",
            "verificationId": f"agent-{standing.ids.process}",
            "verificationDate": written(standing.updated_at),
        }
    return told


def _verdict(status: str) -> dict[str, str]:
    return {
        "accepted": {"result": "clear", "subResult": "clear"},
        "rejected": {"result": "consider", "subResult": "suspected"},
    }.get(status, {"result": "consider", "subResult": "consider"})


def _person() -> dict[str, Any]:
    return {**CANARIES, "similarity": float(CANARIES["similarity"])}
