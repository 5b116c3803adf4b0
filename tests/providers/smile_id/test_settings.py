"""What an account may say, and what its silence means."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.providers.smile_id.v1.samples import settings

SANDBOX = "https://testapi.smileidentity.com"
PRODUCTION = "https://api.smileidentity.com"


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ({}, SANDBOX),
        ({"environment": "sandbox"}, SANDBOX),
        ({"environment": "production"}, PRODUCTION),
        ({"base_url": "http://localhost:9000/smile_id/"}, "http://localhost:9000/smile_id"),
    ],
)
def test_the_address_follows_from_the_environment(given: dict[str, Any], base_url: str) -> None:
    assert settings(**given).base_url == base_url


def test_an_account_is_of_the_first_generation_unless_it_says_otherwise() -> None:
    assert settings().generations == ("v1",)
    assert settings(generations=["v3"]).generations == ("v3",)


def test_the_zeros_of_a_partner_id_are_kept() -> None:
    assert settings(partner_id=" 085 ").partner_id == "085"


@pytest.mark.parametrize(
    "wrong",
    [
        {"generations": []},
        {"generations": ["v1", "v1"]},
        {"generations": ["v2"]},
        {"partner_id": ""},
        {"partner_id": "85a"},
        {"partner_id": 85},
        {"api_key": ""},
        {"api_key": ["a-1", "b-2", "c-3"]},
        {"artifact_hosts": ["https://files.example"]},
        {"largest_artifact": 0},
        {"base_url": f"{SANDBOX}/v1"},
        {"base_url": f"{SANDBOX}/v3/"},
        {"environment": "production", "base_url": "http://api.smileidentity.com"},
        {"polices": {}},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_a_production_account_of_the_third_generation_names_the_hosts_of_its_files() -> None:
    for generations in (["v3"], ["v1", "v3"]):
        with pytest.raises(ValidationError, match="artifact_hosts of a production account of v3 must list the hosts"):
            settings(environment="production", generations=generations)
        settings(environment="production", generations=generations, artifact_hosts=["files.example"])
    settings(environment="production", generations=["v1"])


@pytest.mark.parametrize(
    "row",
    [
        *("1/0812", "1/0814", "1/0815", "2/0822", "2/0824", "2/0825", "4/0842", "4/0844", "6/0817", "11/0817"),
        "attention/document_expired",
    ],
)
@pytest.mark.parametrize("decision", ["approved", "declined", "inconclusive"])
def test_a_policy_may_decide_what_the_vendor_leaves_to_partners(row: str, decision: str) -> None:
    assert settings(policy={row: decision}).policy == {row: decision}


@pytest.mark.parametrize(
    "row",
    [
        "4/0846",
        "1/1213",
        "1/0810",
        "1/0811",
        "6/0812",
        "5/1013",
        "5/1015",
        "10/1030",
        "1/0817",
        "0817",
        "block/high_risk",
    ],
)
def test_a_policy_for_any_other_row_is_refused_by_name(row: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(policy={"6/0817": "approved", row: "approved"})

    assert f'"{row}"' in str(caught.value)


def test_a_policy_decides_in_words_of_ours_only() -> None:
    with pytest.raises(ValidationError):
        settings(policy={"6/0817": "accepted"})
