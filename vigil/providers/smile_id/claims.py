"""The person's or the company's data in the answers of both generations of Smile ID."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vigil.domain.claims import Claims
from vigil.providers.claims import (
    DOCUMENT,
    ClaimRow,
    ClaimTable,
    read_country,
    read_date,
    read_gender,
    read_text,
    words,
)
from vigil.providers.parsing import as_list, as_object
from vigil.providers.smile_id.v1.job_status import position_of_person

_ABSENT: Final = frozenset({"not available"})
"""Documented: a missing value is this text, and not null."""
_DOCUMENT_TYPES: Final = {"passport": "passport", "national_id": "idcard"}
_COUNTRIES: Final = {"ghana": "GH", "kenya": "KE", "nigeria": "NG", "south africa": "ZA"}
"""Some results name the country. A name that is not here has a source alone."""
_read_country: Final = words(_COUNTRIES, read_country)
_read_type: Final = words(_DOCUMENT_TYPES)

_V1: Final = ClaimTable(
    (
        ClaimRow("/claims/name", "/FullName", read_text),
        ClaimRow("/claims/given_name", "/FirstName", read_text),
        ClaimRow("/claims/middle_name", "/OtherName", read_text),
        ClaimRow("/claims/family_name", "/LastName", read_text),
        ClaimRow("/claims/birthdate", "/DOB", read_date),
        ClaimRow("/claims/gender", "/Gender", read_gender),
        ClaimRow("/claims/address/formatted", "/Address", read_text),
        ClaimRow("/claims/phone_number", "/PhoneNumber", read_text),
        ClaimRow(f"{DOCUMENT}/type", "/IDType", _read_type),
        ClaimRow(f"{DOCUMENT}/document_number", "/IDNumber", read_text),
        ClaimRow(f"{DOCUMENT}/date_of_issuance", "/IssuanceDate", read_date),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", "/ExpirationDate", read_date),
        ClaimRow(f"{DOCUMENT}/issuer/country_code", "/Country", _read_country),
        ClaimRow("/claims/organization/name", "/company_information/legal_name", read_text),
        ClaimRow("/claims/organization/registration_number", "/company_information/registration_number", read_text),
        ClaimRow("/claims/organization/type", "/company_information/company_type", read_text),
        ClaimRow("/claims/organization/status", "/company_information/status", read_text),
        ClaimRow("/claims/organization/registration_date", "/company_information/registration_date", read_date),
        ClaimRow("/claims/organization/country", "/company_information/country", _read_country),
        ClaimRow("/claims/organization/address", "/company_information/address", read_text),
    ),
    _ABSENT,
)

# `user_provided_info` is what the applicant typed, so nothing of it is a verified claim.
_V3: Final = ClaimTable(
    (
        ClaimRow("/claims/name", "/callback/id_fields/full_name", read_text),
        ClaimRow("/claims/birthdate", "/callback/id_fields/date_of_birth", read_date),
        ClaimRow(f"{DOCUMENT}/type", "/callback/id_fields/id_type", _read_type),
        ClaimRow(f"{DOCUMENT}/document_number", "/callback/id_fields/id_number", read_text),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", "/callback/id_fields/expiration_date", read_date),
        ClaimRow(f"{DOCUMENT}/issuer/country_code", "/callback/id_fields/country", _read_country),
    ),
    _ABSENT,
)


def read_claims(answer: object) -> Claims:
    """Return the claims in a stored answer of either generation.

    One result of a job gives all claims, since two results may be about two attempts.
    """
    frame = as_object(answer)
    if "callback" in frame:
        return _V3.read(frame)
    results = _results(frame)
    position = position_of_person(frame)
    return _V1.below(results[position]).read(frame) if position < len(results) else Claims()


def _results(frame: Mapping[str, Any]) -> Sequence[str]:
    """Return where the results of a job are, in the order of `results_in`."""
    places = {"/result": frame.get("result")}
    places |= {f"/history/{number}": each for number, each in enumerate(as_list(frame.get("history")))}
    return [place for place, each in places.items() if isinstance(each, dict)]
