"""The fake takes and refuses what the API does: its data is compared with the document and the real providers."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from api.commands import DeadlineRequest
from tests.clients.test_models import document  # noqa: F401 -- a fixture
from tests.conformance.cases import KITS, SENDERS, kit_for
from tests.conformance.test_answers import opened
from vigil.config.accounts import OpenAccount
from vigil_client.testing import FakeAccount
from vigil_client.testing.providers import RULES
from vigil_client.testing.requests import DeadlineBody, ListQuery, RegistrationBody

Schema = Mapping[str, Any]
_WORDS = frozenset({"title", "description", "examples"})
SPELLED = [
    (provider, text)
    for provider, sender in SENDERS
    for reference, others in kit_for(provider, sender).spellings.items()
    for text in (reference, *others)
]
IMPOSSIBLE = [(provider, text) for provider, kit in KITS.items() for text in kit.impossible]
ODD = [
    (provider, text)
    for provider in KITS
    for text in ("not-a-number", "00700102", "a:b", " A : b ", "", "  ", "9" * 20, "x" * 201, "é", "e\u0301", "a\tb")
]
VALUES = ("1", "12", "13", "user 7", "", "two words", "A" * 65, "2031-03-04T09:00:00Z", "2031-03-04", "biometric_kyc")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def plain(schema: Any, definitions: Schema) -> Any:
    """Return a schema without its words, without names, and without the null of what may be left out."""
    if isinstance(schema, list):
        return [plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        return plain(choices[0], definitions)
    inner = {name: each for name, each in schema.items() if name not in _WORDS and (name, each) != ("default", None)}
    return {name: plain(each, definitions) for name, each in inner.items()}


def fields_of(model: type[Any]) -> Schema:
    schema = model.model_json_schema()
    return {name: plain(each, schema.get("$defs", {})) for name, each in schema["properties"].items()}


def test_the_fake_has_every_filter_of_the_list_with_its_form(document: Schema) -> None:  # noqa: F811
    parameters = document["paths"]["/verifications"]["get"]["parameters"]
    definitions = document["components"]["schemas"]

    assert fields_of(ListQuery) == {each["name"]: plain(each["schema"], definitions) for each in parameters}


def test_the_fake_takes_the_registrations_that_the_api_takes(document: Schema) -> None:  # noqa: F811
    definitions = document["components"]["schemas"]
    fields = definitions["RegistrationRequest"]["properties"]

    assert fields_of(RegistrationBody) == {name: plain(each, definitions) for name, each in fields.items()}
    assert fields_of(DeadlineBody) == fields_of(DeadlineRequest)


def rules_of(account: OpenAccount) -> Any:
    return FakeAccount(account.provider_name).rules


@pytest.mark.parametrize(("provider", "text"), [*SPELLED, *IMPOSSIBLE, *ODD])
async def test_the_fake_reads_references_as_each_provider_does(
    http: httpx.AsyncClient, provider: str, text: str
) -> None:
    account = opened(provider, http, hints=False)

    assert rules_of(account).read_reference(text) == account.provider.normalise_reference(text)


@pytest.mark.parametrize("provider", KITS)
async def test_the_fake_has_the_coordinates_and_the_senders_of_each_provider(
    http: httpx.AsyncClient, provider: str
) -> None:
    account = opened(provider, http, hints=False)
    rules, real = rules_of(account), {each.name: each for each in account.provider.coordinates}

    assert set(rules.coordinates) == set(real)
    assert rules.form == account.provider.reference_form
    assert rules.found_by == (account.provider.finder.by if account.provider.finder else ())
    assert set(rules.senders) == set(account.contracts)
    assert {name: [rules.read_coordinate(name, text) for text in VALUES] for name in real} == {
        name: [each.read(text) for text in VALUES] for name, each in real.items()
    }


def test_every_provider_has_rules_in_the_fake() -> None:
    assert set(RULES) == set(KITS)
