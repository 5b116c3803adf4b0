"""The person's data in a result of Identomat (O). `person` is what it read and what its operators corrected (I)."""

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

_DOCUMENT_TYPES: Final = {"id": "idcard", "passport": "passport"}
"""The words that were observed."""

CLAIMS: Final = ClaimTable(
    (
        ClaimRow("/claims/name", "/name", read_text),
        ClaimRow("/claims/given_name", "/person/first_name", read_text),
        ClaimRow("/claims/family_name", "/person/last_name", read_text),
        ClaimRow("/claims/birthdate", "/person/birthday_time", read_date),
        # Month and day come in the American order, and `2/9/1990` does not show it: never a date (O).
        ClaimRow("/claims/birthdate", "/person/birthday", read_date),
        ClaimRow("/claims/place_of_birth/locality", "/person/birth_place", read_text),
        ClaimRow("/claims/gender", "/person/sex", read_gender),
        ClaimRow("/claims/nationalities/0", "/person/nationality", read_country),
        ClaimRow("/claims/nationalities/0", "/person/citizenship", read_country),
        ClaimRow("/claims/address/formatted", "/person/address", read_text),
        ClaimRow("/claims/email", "/person/email", read_text),
        ClaimRow("/claims/phone_number", "/person/phone", read_text),
        ClaimRow(f"{DOCUMENT}/type", "/document_type", words(_DOCUMENT_TYPES)),
        ClaimRow(f"{DOCUMENT}/document_number", "/person/document_number", read_text),
        ClaimRow(f"{DOCUMENT}/personal_number", "/person/personal_number", read_text),
        ClaimRow(f"{DOCUMENT}/date_of_issuance", "/person/document_issued", read_date),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", "/person/document_expires_time", read_date),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", "/person/document_expires", read_date),
        ClaimRow(f"{DOCUMENT}/issuer/name", "/person/authority", read_text),
        ClaimRow(f"{DOCUMENT}/issuer/country_code", "/person/issuing_state", read_country),
    )
)
