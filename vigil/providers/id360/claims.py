"""The person's data in a report of ID360 (O). Of an accepted file `identity` is what ID360 found in the end."""

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

_EXTRACTED: Final = "/extracted_data/identity/0"

CLAIMS: Final = ClaimTable(
    (
        ClaimRow("/claims/given_name", "/identity/first_name", read_text),
        ClaimRow("/claims/given_name", f"{_EXTRACTED}/first_name", read_text),
        ClaimRow("/claims/family_name", "/identity/name", read_text),
        ClaimRow("/claims/family_name", f"{_EXTRACTED}/name", read_text),
        ClaimRow("/claims/birth_family_name", "/identity/birth_name", read_text),
        ClaimRow("/claims/birthdate", "/identity/birth_date", read_date),
        ClaimRow("/claims/birthdate", f"{_EXTRACTED}/birth_date", read_date),
        ClaimRow("/claims/place_of_birth/locality", "/identity/birth_place", read_text),
        ClaimRow("/claims/place_of_birth/locality", f"{_EXTRACTED}/birth_place", read_text),
        ClaimRow("/claims/place_of_birth/country", "/identity/birth_country", read_country),
        ClaimRow("/claims/gender", "/identity/gender", read_gender),
        ClaimRow("/claims/gender", f"{_EXTRACTED}/gender", read_gender),
        ClaimRow("/claims/address/street_address", "/identity/address", read_text),
        ClaimRow("/claims/address/postal_code", "/identity/zip_code", read_text),
        ClaimRow("/claims/address/locality", "/identity/city", read_text),
        ClaimRow("/claims/address/country", "/identity/country", read_country),
        ClaimRow("/claims/email", "/identity/email", read_text),
        ClaimRow("/claims/phone_number", "/identity/phone_number", read_text),
        # The words for kinds of documents are unknown, so the type has a source alone.
        ClaimRow(f"{DOCUMENT}/type", f"{_EXTRACTED}/type", words({})),
        ClaimRow(f"{DOCUMENT}/document_number", f"{_EXTRACTED}/extra/id_number", read_text),
        ClaimRow(f"{DOCUMENT}/date_of_issuance", f"{_EXTRACTED}/extra/issuing_date", read_date),
        ClaimRow(f"{DOCUMENT}/date_of_expiry", f"{_EXTRACTED}/extra/expiration_date", read_date),
    )
)
