"""Proves and reads the callbacks of the first generation, whose signature is in the body."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import as_word
from vigil.providers.contract import Callback, CallbackRequest, GenuineRequest, event_identity
from vigil.providers.parsing import NotReadable, as_object, as_text, parse_json, unknown_names
from vigil.providers.smile_id.senders import V1
from vigil.providers.smile_id.signature import Signatures, prove_signed
from vigil.providers.smile_id.v1 import vocabulary
from vigil.providers.smile_id.v1.vocabulary import PartName

SIGNATURE: Final = "signature"
# Partners choose both ids. No document limits their characters.
_VISIBLE: Final = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]"
JOB_ID_PATTERN: Final = _VISIBLE + "{1,200}"
USER_ID_PATTERN: Final = _VISIBLE + "{1,128}"
JOB_TYPE_PATTERN: Final = r"[1-9]|1[0-2]"

_LEGACY_PROOF: Final = "sec_key"
_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_USER_ID: Final = re.compile(USER_ID_PATTERN)
_JOB_TYPE: Final = re.compile(rf"({JOB_TYPE_PATTERN})(?:\.0+)?")
_CODE: Final = re.compile(r"[0-9]{1,4}")
_LOOKUP_ACTIONS: Final = frozenset({"Verify_ID_Number", "Return_Personal_Info"})

_NAMES: Final = """
    SmileJobID PartnerParams ResultCode ResultText ResultType Actions ConfidenceValue IsFinalResult IsMachineResult
    JSONVersion Source timestamp signature sec_key ImageLinks KYCReceipt kyb_receipt Antifraud Country IDType IDNumber
    FullName FirstName LastName OtherName DOB Gender Address PhoneNumber PhoneNumber2 ExpirationDate IssuanceDate
    IDStatus IsAlive Photo Document FullData SecondaryIDNumber Secondary_ID_Number IDNumberPreviouslyRegistered
    UserIDsOfPreviousRegistrants company_information directors proprietors beneficial_owners fiduciaries documents
    success people no_of_persons_found StrictMatch
"""
_KNOWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(_NAMES.split()),
    # `PartnerParams` holds names of the partner's own, so none of them is unknown.
}


def prove_v1(signatures: Signatures, request: CallbackRequest) -> GenuineRequest:
    """Prove a callback. Raises `CallbackRefused`, with `unprovable` if the body is no JSON object."""
    try:
        content = parse_json(request.body)
    except NotReadable as error:
        raise CallbackRefused(error.refusal) from None
    if not isinstance(content, dict):
        raise CallbackRefused("unprovable")
    presented, timestamp = content.get(SIGNATURE), signed_time(content)
    if not isinstance(presented, str) or timestamp is None:
        # Anyone who knows our id can make a `sec_key`: it contains nothing to compare with but itself.
        raise CallbackRefused("sec_key_only" if _LEGACY_PROOF in content else "missing_signature")
    if not signatures.verify(timestamp, presented):
        raise CallbackRefused("wrong_signature")
    return prove_signed(request, timestamp, presented, kept_body=_without_signature(content))


def read_v1(body: bytes) -> Callback:
    """Return the event that a callback reports; `Unreadable` for a body that we do not understand."""
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=None, observation=Unreadable(why=error.why), sender=V1)
    params = as_object(content.get("PartnerParams"))
    reference, job_type = job_id_of(params), job_type_of(params)
    observation = _observe(content, job_type)
    return Callback(
        reference=reference,
        observation=observation if reference is not None else Unreadable(why="wrong_shape"),
        identity=_identity(content, reference, observation),
        sender=V1,
        coordinates=_coordinates(params, job_type),
        session_kind=vocabulary.session_kind(job_type),
        unknown_fields=unknown_names(content, _KNOWN_FIELDS),
    )


def signed_time(content: Mapping[str, Any]) -> str | None:
    """Return the time that a signature covers, as text. A number is written as in the body (O)."""
    raw = content.get("timestamp")
    return raw if isinstance(raw, str) else str(raw) if type(raw) is int else None


def job_id_of(params: Mapping[str, Any]) -> str | None:
    """Return a job's id as a reference."""
    return read_job_id(params.get("job_id"))


def read_job_id(raw: object) -> str | None:
    """Return a job's id in one spelling. Partners choose it, so any text and any number is accepted."""
    text = as_text(raw)
    return text if text is not None and _JOB_ID.fullmatch(text) else None


def job_type_of(params: Mapping[str, Any]) -> int | None:
    """Return the type of a job, given as a number or a text, such as `1`, `"1"` or `1.0`."""
    raw = params.get("job_type")
    found = None if isinstance(raw, bool) else _JOB_TYPE.fullmatch(str(raw))
    return int(found[1]) if found else None


def code_of(result: Mapping[str, Any]) -> str | None:
    """Return a result's code with its leading zeros, which a number does not have."""
    raw = result.get("ResultCode")
    text = str(raw) if type(raw) is int else raw
    if not isinstance(text, str):
        return None
    return text.zfill(4) if _CODE.fullmatch(text) else as_word(text)


def part_of(result: Mapping[str, Any], job_type: int | None, code: str | None) -> PartName:
    """Return the part of a job that a result is about: by its code, or by its actions if no table lists the code."""
    meaning = vocabulary.meaning_of(job_type, code)
    if meaning is not None:
        return meaning.part
    if job_type != vocabulary.BIOMETRIC_KYC:
        return "whole"
    actions = as_object(result.get("Actions"))
    return "identity" if actions and actions.keys() <= _LOOKUP_ACTIONS else "biometric"


def _observe(content: Mapping[str, Any], job_type: int | None) -> Observation:
    code = code_of(content)
    if code is None:
        return Unreadable(why="wrong_shape")
    return StatusSeen(
        # job_status gives the same result by its code, so only the code can be compared.
        word=code,
        code=code,
        looks=vocabulary.looks(job_type, code),
        part=part_of(content, job_type, code),
    )


def _identity(content: Mapping[str, Any], reference: str | None, observation: Observation) -> str | None:
    timestamp = signed_time(content)
    if reference is None or timestamp is None or not isinstance(observation, StatusSeen):
        return None
    return event_identity(reference, observation.code, observation.part, timestamp)


def _coordinates(params: Mapping[str, Any], job_type: int | None) -> Mapping[str, str]:
    user_id = as_text(params.get("user_id"))
    found = {"user_id": user_id} if user_id is not None and _USER_ID.fullmatch(user_id) else {}
    return found if job_type is None else {**found, "job_type": str(job_type)}


def _without_signature(content: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in content.items() if name != SIGNATURE}).encode()
