"""The person's data in a process of Signicat Assure (D).

`providerSpecific` has other fields for each sub-provider, which no document lists. So it is read by nobody, and an
accepted process of VideoID, which has no `finalResult`, has no claims.
"""

from typing import Final

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

_RESULT: Final = "/finalResult"
_DOCUMENT_TYPES: Final = {"passport": "passport"}
"""The one word that documents show."""

CLAIMS: Final = ClaimTable(
    (
        ClaimRow("/claims/given_name", f"{_RESULT}/firstName", read_text),
        ClaimRow("/claims/family_name", f"{_RESULT}/lastName", read_text),
        ClaimRow("/claims/birthdate", f"{_RESULT}/dateOfBirth", read_date),
        ClaimRow("/claims/place_of_birth/locality", f"{_RESULT}/placeOfBirth", read_text),
        ClaimRow("/claims/gender", f"{_RESULT}/gender", read_gender),
        ClaimRow("/claims/nationalities/0", f"{_RESULT}/nationality", read_country),
        ClaimRow(f"{DOCUMENT}/type", f"{_RESULT}/documentType", words(_DOCUMENT_TYPES)),
        ClaimRow(f"{DOCUMENT}/document_number", f"{_RESULT}/documentNumber", read_text),
        ClaimRow(f"{DOCUMENT}/personal_number", f"{_RESULT}/personalIdentificationNumber", read_text),
        ClaimRow(f"{DOCUMENT}/date_of_issuance", f"{_RESULT}/dateOfIssue", read_date),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", f"{_RESULT}/dateOfExpiry", read_date),
        ClaimRow(f"{DOCUMENT}/issuer/country_code", f"{_RESULT}/issuingCountry", read_country),
    )
)
