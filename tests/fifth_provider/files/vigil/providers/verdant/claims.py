"""The person's data in an inquiry of Verdant."""

from typing import Final

from vigil.providers.claims import DOCUMENT, ClaimRow, ClaimTable, read_date, read_text

CLAIMS: Final = ClaimTable(
    (
        ClaimRow("/claims/given_name", "/person/first_name", read_text),
        ClaimRow("/claims/family_name", "/person/name", read_text),
        ClaimRow("/claims/birthdate", "/person/birth_date", read_date),
        ClaimRow("/claims/address/street_address", "/person/street", read_text),
        ClaimRow(f"{DOCUMENT}/document_number", "/person/number", read_text),
    )
)
