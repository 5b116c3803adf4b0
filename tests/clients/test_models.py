"""The client's models are those of the API: no field, type or word differs from the OpenAPI document."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import pytest
from pydantic import BaseModel

from api.app import build_app
from api.dependencies import Dependencies
from api.problem_types import PROBLEM_TYPES
from tests.sealed import connect
from vigil.domain.digest import Digester
from vigil.storage.folder import FolderStorage
from vigil.temporal.client import VerificationClient
from vigil_client import claims, errors, models, notifications, operations, words

ANSWERS: Final[Mapping[str, type[BaseModel]]] = {
    "RegisteredView": models.Registered,
    "VerificationView": models.Verification,
    "StateView": models.State,
    "RecordView": models.Record,
    "RevisionView": models.Revision,
    "EvidenceView": models.File,
    "AttentionView": models.AttentionNote,
    "ListedView": models.Listed,
    "PageView": models.Page,
    "TimelineView": models.Timeline,
    "EntryView": models.Entry,
    "EvidenceListView": models.Evidence,
    "ClaimsView": claims.Claims,
    "NotificationsView": models.Notifications,
    "ResentView": models.Resent,
    "CommandView": models.Commanded,
    "NotificationView": notifications.Notification,
    "ErasureView": models.Erasure,
    "HoldView": models.Hold,
    "Explanation": models.Explanation,
}
WORDS: Final = {
    "Stage": words.Stage,
    "Decision": words.Decision,
    "Outcome": words.Outcome,
    "Basis": words.Basis,
    "Advice": words.Advice,
    "ArtifactState": words.FileState,
}
Schema = Mapping[str, Any]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    digester, storage = Digester(b"a-key-of-some-length"), FolderStorage(tmp_path_factory.mktemp("storage"))
    client = asyncio.run(connect("127.0.0.1:9", "default", lazy=True))
    tracker = VerificationClient(client, {}, digester)
    return build_app(Dependencies(accounts={}, tracker=tracker, storage=storage, digester=digester)).openapi()


def shape(schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """Return a type without names and texts: `{field: types}`, `[types of items]`, or a set of plain types.

    A closed list and a pattern are strings: the server may add a word before the client knows it.
    """
    match schema:
        case {"$ref": str(name)}:
            return shape(definitions[name.rpartition("/")[2]], definitions)
        case {"anyOf": choices}:
            shapes = [shape(each, definitions) for each in choices]
            plain = frozenset[str]().union(*(each for each in shapes if isinstance(each, frozenset)))
            others = [each for each in shapes if not isinstance(each, frozenset)]
            return (plain, *others) if others else plain
        case {"properties": fields}:
            return {name: shape(each, definitions) for name, each in fields.items()}
        case {"type": "array"}:
            return [shape(schema.get("items", {}), definitions)]
        case {"const": _} | {"enum": _}:
            found = frozenset({"string"})
        case _:
            found = frozenset({schema.get("format") or schema.get("type", "anything")})
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_the_api_has_exactly_the_fields_of_the_model(name: str, document: Schema) -> None:
    definitions = document["components"]["schemas"]
    ours = ANSWERS[name].model_json_schema(mode="serialization")

    assert shape(ours, ours.get("$defs", {})) == shape(definitions[name], definitions)


@pytest.mark.parametrize("name", WORDS)
def test_a_closed_list_has_the_words_of_the_api(name: str, document: Schema) -> None:
    assert [word.value for word in WORDS[name]] == document["components"]["schemas"][name]["enum"]


def test_a_registration_may_say_what_the_api_takes(document: Schema) -> None:
    request = document["components"]["schemas"]["RegistrationRequest"]["properties"]

    assert {*operations.Registration.__annotations__, "account", "reference"} == set(request)


def test_a_list_may_be_filtered_by_what_the_api_takes(document: Schema) -> None:
    parameters = document["paths"]["/verifications"]["get"]["parameters"]

    assert {*operations.Filters.__annotations__, "page", "limit"} == {each["name"] for each in parameters}


def test_every_answer_of_the_backend_routes_has_a_model_in_the_client(document: Schema) -> None:
    named = {
        content["schema"]["$ref"].rpartition("/")[2]
        for path, methods in document["paths"].items()
        if path.startswith("/verifications")
        for method in methods.values()
        for status, response in method["responses"].items()
        if status.startswith("2")
        for content in response.get("content", {}).values()
        if "$ref" in content.get("schema", {})
    }

    assert named - set(ANSWERS) == set()


def test_every_error_of_the_client_has_a_type_of_problem_that_the_api_answers() -> None:
    assert set(errors._BY_CODE) - set(PROBLEM_TYPES) == set()
    assert {code for code in PROBLEM_TYPES if code.startswith("file_")} >= {"file_expected", "file_lost"}
