"""Claims of each provider, from answers written as its documents have them. Every expected value is a literal."""

import json
from typing import Any

import pytest

from tests.providers.id360.samples import report
from tests.providers.identomat.samples import result as identomat_result
from tests.providers.signicat.samples import process
from tests.providers.smile_id.v1.samples import BIOMETRIC, IDENTITY, frame
from tests.providers.smile_id.v1.samples import result as smile_result
from tests.providers.smile_id.v3.samples import attention, block, clear, status
from vigil.domain.claims import Claims
from vigil.providers.claims import ClaimRow, ClaimTable, parse_stored, read_country, read_date, read_text
from vigil.providers.id360.claims import CLAIMS as ID360
from vigil.providers.identomat.claims import CLAIMS as IDENTOMAT
from vigil.providers.signicat.claims import CLAIMS as SIGNICAT
from vigil.providers.smile_id.claims import read_claims as read_smile_id

NUMBER = "/verification/evidence/0/document_details/document_number"
EXPIRY = "/verification/evidence/0/document_details/date_of_expiry"


def shown(claims: Claims) -> Any:
    """What a caller of the API gets."""
    return json.loads(claims.model_dump_json())["verified_claims"]


def source(claims: Claims, claim: str) -> tuple[str, object]:
    found = claims.sources[claim]
    return found.pointer, found.raw


ID360_REPORT = report(
    identity={
        "name": "EXAMPLE",
        "first_name": "ADA",
        "first_names": ["ADA", "MARIA"],
        "birth_name": "SAMPLE",
        "email": "ada@example.test",
        "address": "1 RUE INVENTEE",
        "zip_code": "75001",
        "city": "PARIS",
        "country": "FR",
        "phone_number": "+33600000000",
        "birth_date": "1990-02-09",
        "gender": "F",
        "birth_place": "LYON",
        "birth_country": "FRA",
    },
    extracted_data={
        "identity": [
            {
                "type": "IDENTITY_DOCUMENT",
                "name": "EXAMPLE",
                "birth_date": "1990-02-09",
                "extra": {"id_number": "X0000001", "issuing_date": "2021-01-05", "expiration_date": "2031-01-05"},
            }
        ]
    },
)


def test_an_id360_report_gives_the_person_and_the_document() -> None:
    claims = ID360.read(ID360_REPORT)

    assert shown(claims) == {
        "verification": {
            "evidence": [
                {
                    "type": "document",
                    "document_details": {
                        "document_number": "X0000001",
                        "date_of_issuance": "2021-01-05",
                        "date_of_expiry": "2031-01-05",
                    },
                }
            ]
        },
        "claims": {
            "given_name": "ADA",
            "family_name": "EXAMPLE",
            "birth_family_name": "SAMPLE",
            "birthdate": "1990-02-09",
            "place_of_birth": {"locality": "LYON", "country": "FRA"},
            "gender": "female",
            "address": {
                "street_address": "1 RUE INVENTEE",
                "locality": "PARIS",
                "postal_code": "75001",
                "country": "FR",
            },
            "email": "ada@example.test",
            "phone_number": "+33600000000",
        },
    }
    assert source(claims, "/claims/birthdate") == ("/identity/birth_date", "1990-02-09")
    assert source(claims, NUMBER) == ("/extracted_data/identity/0/extra/id_number", "X0000001")


def test_without_an_identity_the_document_of_id360_names_the_person() -> None:
    claims = ID360.read(ID360_REPORT | {"identity": {"name": None, "birth_date": None}})

    assert shown(claims)["claims"] == {"family_name": "EXAMPLE", "birthdate": "1990-02-09"}
    assert source(claims, "/claims/birthdate") == ("/extracted_data/identity/0/birth_date", "1990-02-09")


def test_a_word_that_no_table_has_is_a_source_and_no_claim() -> None:
    claims = ID360.read(ID360_REPORT)

    kind = "/verification/evidence/0/document_details/type"
    assert source(claims, kind) == ("/extracted_data/identity/0/type", "IDENTITY_DOCUMENT")
    assert "type" not in shown(claims)["verification"]["evidence"][0]["document_details"]


def test_an_identomat_result_gives_the_person_and_the_document() -> None:
    person = {
        "first_name": "ADA",
        "last_name": "EXAMPLE",
        "birthday": "2/9/1990",
        "birthday_time": "1990-02-09T00:00:00.000Z",
        "birth_place": "TBILISI",
        "citizenship": "GEO",
        "document_number": "X0000001",
        "document_expires_time": "2031-01-05T00:00:00.000Z",
        "personal_number": "60001000000",
        "authority": "MINISTRY OF INVENTION",
        "issuing_state": "GEO",
        "sex": "F",
        "address": "1 INVENTED STREET",
        "status": "OK",
    }

    claims = IDENTOMAT.read(identomat_result(person=person, document_type="passport"))

    assert shown(claims) == {
        "verification": {
            "evidence": [
                {
                    "type": "document",
                    "document_details": {
                        "type": "passport",
                        "document_number": "X0000001",
                        "personal_number": "60001000000",
                        "date_of_expiry": "2031-01-05",
                        "issuer": {"name": "MINISTRY OF INVENTION", "country_code": "GEO"},
                    },
                }
            ]
        },
        "claims": {
            "name": "ADA EXAMPLE",
            "given_name": "ADA",
            "family_name": "EXAMPLE",
            "birthdate": "1990-02-09",
            "place_of_birth": {"locality": "TBILISI"},
            "gender": "female",
            "nationalities": ["GEO"],
            "address": {"formatted": "1 INVENTED STREET"},
        },
    }
    assert source(claims, "/claims/birthdate") == ("/person/birthday_time", "1990-02-09T00:00:00.000Z")


@pytest.mark.parametrize("written", ["2/9/1990", "9.2.1990", "1990-02-30", "1990", "0000-00-00", 19900209])
def test_a_birth_date_that_is_not_certain_is_a_source_alone(written: object) -> None:
    claims = IDENTOMAT.read(identomat_result(person={"birthday": written}))

    assert "birthdate" not in shown(claims)["claims"]
    assert source(claims, "/claims/birthdate") == ("/person/birthday", written)


def test_a_date_at_another_time_than_midnight_may_be_another_day() -> None:
    assert read_date("1990-02-08T20:00:00.000Z") is None
    assert read_date("1990-02-09T00:00:00Z") == "1990-02-09"


def test_a_signicat_process_gives_the_person_and_the_document() -> None:
    final = {
        "firstName": "TESTA",
        "lastName": "EXAMPLE",
        "dateOfBirth": "1990-01-31",
        "placeOfBirth": "UTRECHT",
        "gender": "M",
        "nationality": "NLD",
        "documentType": "passport",
        "documentNumber": "X0000000",
        "issuingCountry": "NLD",
        "dateOfIssue": "2021-05-01",
        "dateOfExpiry": "2031-05-01",
        "personalIdentificationNumber": "999999990",
        "similarityScore": "high",
    }

    claims = SIGNICAT.read(process(finalResult=final))

    assert shown(claims) == {
        "verification": {
            "evidence": [
                {
                    "type": "document",
                    "document_details": {
                        "type": "passport",
                        "document_number": "X0000000",
                        "personal_number": "999999990",
                        "date_of_issuance": "2021-05-01",
                        "date_of_expiry": "2031-05-01",
                        "issuer": {"country_code": "NLD"},
                    },
                }
            ]
        },
        "claims": {
            "given_name": "TESTA",
            "family_name": "EXAMPLE",
            "birthdate": "1990-01-31",
            "place_of_birth": {"locality": "UTRECHT"},
            "gender": "male",
            "nationalities": ["NLD"],
        },
    }
    assert source(claims, NUMBER) == ("/finalResult/documentNumber", "X0000000")


def test_what_a_sub_provider_of_signicat_calls_its_own_is_no_claim() -> None:
    claims = SIGNICAT.read(process(provider="signicatvideoid", providerSpecific={"ocr": {"firstName": "TESTA"}}))

    assert (shown(claims), claims.sources) == ({}, {})


def test_not_available_is_absence_at_smile_id() -> None:
    looked_up = IDENTITY | {"Address": "Not Available", "ExpirationDate": "not available ", "DOB": "1991-04-05"}

    claims = read_smile_id(frame(BIOMETRIC, history=[BIOMETRIC, looked_up]))

    assert shown(claims) == {
        "verification": {
            "evidence": [
                {
                    "type": "document",
                    "document_details": {"document_number": "INVENTED0001", "issuer": {"country_code": "NG"}},
                }
            ]
        },
        "claims": {"name": "Zuri Example", "birthdate": "1991-04-05"},
    }
    assert source(claims, "/claims/name") == ("/history/1/FullName", "Zuri Example")
    assert EXPIRY not in claims.sources
    assert "/claims/address/formatted" not in claims.sources


def test_the_claims_of_a_smile_id_job_are_those_of_one_result() -> None:
    older = smile_result("1012", 5, FullName="Zuri Example", DOB="1991-04-05", IDType="NATIONAL_ID", Country="KE")
    newer = smile_result("1013", 5, FullName="Not Available", IDNumber="INVENTED0002", Country="KE")

    claims = read_smile_id(frame(newer, history=[newer, older]))

    assert (shown(claims).get("claims"), source(claims, NUMBER)) == (None, ("/result/IDNumber", "INVENTED0002"))


def test_a_smile_id_business_gives_the_company() -> None:
    company = {
        "legal_name": "Invented Trading Ltd",
        "registration_number": "RC000001",
        "company_type": "PRIVATE",
        "registration_date": "2019-05-05",
        "status": "ACTIVE",
        "country": "Nigeria",
        "address": "1 Nowhere Close",
        "email": "",
    }

    claims = read_smile_id(frame(smile_result("1012", 7, company_information=company)))

    assert shown(claims) == {
        "claims": {
            "organization": {
                "name": "Invented Trading Ltd",
                "registration_number": "RC000001",
                "type": "PRIVATE",
                "status": "ACTIVE",
                "registration_date": "2019-05-05",
                "country": "NG",
                "address": "1 Nowhere Close",
            }
        }
    }


def test_the_third_generation_of_smile_id_gives_what_it_has_confirmed() -> None:
    fields = {
        "country": "NG",
        "id_type": "PASSPORT",
        "id_number": "INVENTED0005",
        "full_name": "Zuri Example",
        "date_of_birth": "1991-04-05",
        "expiration_date": "2031-01-05",
    }

    claims = read_smile_id({"status": status(), "callback": clear(id_fields=fields)})

    assert shown(claims) == {
        "verification": {
            "evidence": [
                {
                    "type": "document",
                    "document_details": {
                        "type": "passport",
                        "document_number": "INVENTED0005",
                        "date_of_expiry": "2031-01-05",
                        "issuer": {"country_code": "NG"},
                    },
                }
            ]
        },
        "claims": {"name": "Zuri Example", "birthdate": "1991-04-05"},
    }
    assert source(claims, "/claims/name") == ("/callback/id_fields/full_name", "Zuri Example")


@pytest.mark.parametrize("body", [attention(id_fields={}), block(), None])
def test_what_the_applicant_typed_is_no_claim(body: object) -> None:
    claims = read_smile_id({"status": status(), "callback": body})

    assert (shown(claims), claims.sources) == ({}, {})


@pytest.mark.parametrize(
    "stored", [b"", b"{", b"[]", b'"text"', b"null", b'{"identity": []}', b'{"result": [], "history": {"0": 1}}']
)
def test_a_result_of_another_shape_has_no_claims(stored: bytes) -> None:
    answer = parse_stored(stored)

    assert [claims.sources for claims in (ID360.read(answer), IDENTOMAT.read(answer), SIGNICAT.read(answer))] == [
        {},
        {},
        {},
    ]
    assert read_smile_id(answer).sources == {}


@pytest.mark.parametrize("raw", [b'{"a": "\\ud800"}', b'{"a": 1e999}', b'{"a": {"b": 1e999}}'])
def test_a_value_that_no_json_can_hold_is_left_out(raw: bytes) -> None:
    table = ClaimTable((ClaimRow("/claims/name", "/a", read_text),))

    claims = table.read(parse_stored(raw))

    assert (claims.sources, shown(claims)) == ({}, {})


@pytest.mark.parametrize(
    ("raw", "value"), [("nl", "NL"), ("NLD", "NLD"), ("Netherlands", None), ("N1", None), (1, None)]
)
def test_a_country_is_a_code_of_two_or_three_letters(raw: object, value: str | None) -> None:
    assert read_country(raw) == value
