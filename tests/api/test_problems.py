"""What people read about an error: its sentence, its page, and the id that the log has too."""

import ast
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import build_app
from api.claims import ClaimsView
from api.commands import CommandView
from api.dependencies import Dependencies
from api.openapi import NotificationView
from api.problem_types import PROBLEM_TYPES
from api.schemas import RegisteredView
from docs.problem_page import build_page
from tests.api.conftest import in_process
from tests.api.fakes import Acme, account_of
from tests.sealed import connect
from vigil.domain.digest import Digester
from vigil.observability import set_up_logging
from vigil.registration import RegistrationRequest
from vigil.storage.folder import FolderStorage
from vigil.temporal.client import VerificationClient

ROOT = Path(__file__).parents[2]
PERSON = "Jane Doe"


async def dependencies(folder: Path) -> Dependencies:
    """An API without Temporal: what is asked here fails before."""
    accounts, digester = {"acme": account_of(Acme())}, Digester(b"a-key-of-some-length")
    tracker = VerificationClient(await connect("127.0.0.1:9", "default", lazy=True), accounts, digester)
    return Dependencies(
        accounts=accounts,
        tracker=tracker,
        storage=FolderStorage(folder),
        digester=digester,
        endpoints=frozenset({"audit", "checkout"}),
    )


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(build_app(await dependencies(tmp_path))) as client:
        yield client


def registration(**changes: Any) -> dict[str, Any]:
    return {"account": "acme", "reference": "4711"} | changes


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        (registration(applicant=PERSON), "body.applicant", "must be your opaque id of the person"),
        (registration(applicant=PERSON), "body.applicant", "never a name"),
        (registration(acount="acme"), "body.*", "does not exist here: look for a misspelt name"),
        ({"reference": "4711"}, "body.account", "is required"),
        (registration(deadline_at="2031-03-04T09:00:00"), "body.deadline_at", "needs a time zone, such as Z"),
        (registration(deadline_at="tomorrow"), "body.deadline_at", "must be a time such as 2031-03-04T09:00:00Z"),
        (registration(correlation="x"), "body.correlation", "must have 8 to 64 letters, digits, _ and -"),
        (registration(notify=["crm"]), "body.notify", "is not in the settings; they have audit, checkout"),
        (registration(session_kind="robot"), "body.session_kind", "must be 'person', 'business' or"),
        (registration(coordinates=[]), "body.coordinates", "must be an object"),
        ([], "body", "must be a JSON object, sent as application/json"),
    ],
)
async def test_a_field_at_fault_is_named_with_a_sentence_and_without_a_pattern(
    client: httpx.AsyncClient, sent: object, field: str, sentence: str
) -> None:
    answer = await client.post("/verifications", json=sent)

    told = {each["field"]: each["detail"] for each in answer.json()["fields"]}
    assert answer.status_code == 422
    assert sentence in told[field]
    assert not any(mark in answer.text for mark in ("^", "[A-Z", "pattern", PERSON, "Input"))


async def test_broken_json_is_no_field_with_a_number(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/verifications", content=b'{"account": acme}', headers=headers)

    assert answer.json()["fields"] == [{"field": "body", "detail": "is no valid JSON: look at character 12"}]


async def test_a_body_that_is_no_text_is_no_json(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/verifications", content=b"\x15^\xff\xfe", headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:vigil:invalid_request")
    assert answer.json()["fields"] == [{"field": "body", "detail": "is no valid JSON"}]


async def test_a_text_that_is_sent_as_no_json_is_told_the_media_type(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/plain", "idempotency-key": "register-0001"}
    answer = await client.post("/verifications", content=b"{}", headers=headers)

    assert answer.json()["fields"] == [
        {"field": "body", "detail": "must be a JSON object, sent as application/json"},
    ]


async def test_an_answer_has_an_id_of_its_own_and_a_problem_repeats_it(client: httpx.AsyncClient) -> None:
    mine = {"Request-Id": "mine", "X-Request-Id": "mine"}
    answers = [await client.get(path, headers=mine) for path in ("/health/live", "/no/such/path", "/no/such/path")]

    ids = [answer.headers["request-id"] for answer in answers]
    assert len(set(ids)) == 3
    assert all(len(each) == 16 for each in ids)
    assert [answer.json()["request_id"] for answer in answers[1:]] == ids[1:]


async def test_the_log_has_the_id_of_the_request(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    answer = await client.get("/verifications/acme/4711", headers={"host": "vigil.example"})

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert answer.status_code == 403
    assert [line["request_id"] for line in lines if line["event"] == "key.refused"] == [answer.headers["request-id"]]


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Yield the codes of problems: of `Problem(status, code, ...)`, and of tuples `(status, code, title)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Problem"), args=[_, ast.Constant(value=str(code)), *_]):
                yield code
            case ast.Tuple(elts=[ast.Constant(value=int()), ast.Constant(value=str(code)), ast.Constant(value=str())]):
                yield code
            case ast.Tuple(elts=[ast.Constant(value=str(code)), ast.Constant(value=str(title))]) if " " in title:
                yield code


def test_every_problem_that_the_source_has_is_in_the_table_and_no_other() -> None:
    files = set((ROOT / "api").glob("*.py")) - {ROOT / "api" / "problem_types.py"}
    found = {code for file in files for code in codes_in(ast.parse(file.read_text()))}
    by_state = {"file_available", "file_expected", "file_lost"}

    assert found - by_state == set(PROBLEM_TYPES) - by_state


def test_the_page_shows_the_table() -> None:
    assert (ROOT / "docs" / "problems.md").read_text() == build_page(), "`make docs` writes it"


async def test_a_problem_links_to_its_section(client: httpx.AsyncClient) -> None:
    answer = await client.get("/no/such/path")

    assert (answer.json()["type"], answer.json()["help"]) == ("urn:vigil:no_such_path", "/docs/problems#no_such_path")
    assert "## no_such_path\n" in (ROOT / "docs" / "problems.md").read_text()


async def test_the_ids_of_operations_are_the_names_of_what_they_do(tmp_path: Path) -> None:
    document = build_app(await dependencies(tmp_path)).openapi()

    ids = {
        (method, path): each["operationId"]
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    }
    assert ids["get", "/verifications/{account}/{reference}"] == "read_verification"
    assert ids["post", "/verifications"] == "register"
    assert len(set(ids.values())) == len(ids)


async def test_the_examples_of_the_document_fit_their_schemas(tmp_path: Path) -> None:
    examples = {
        name: schema["examples"]
        for name, schema in build_app(await dependencies(tmp_path)).openapi()["components"]["schemas"].items()
        if "examples" in schema
    }

    assert {"ClaimsView", "CommandView", "NotificationView", "RegisteredView", "RegistrationRequest"} <= set(examples)
    for model in (ClaimsView, CommandView, NotificationView, RegisteredView, RegistrationRequest):
        for example in examples[model.__name__]:
            assert model.model_validate_json(json.dumps(example)).model_dump(mode="json")
