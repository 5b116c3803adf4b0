"""The documents say what is true: what they name exists, and what they tell a newcomer to type works."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import typer
from fastapi import FastAPI

from api.app import build_app
from api.dependencies import Dependencies
from tests.sealed import connect
from vigil.cli.main import app
from vigil.domain.digest import Digester
from vigil.domain.terms import ACTS_ON, Attention, Basis, Decision, Outcome, Proof, Stage
from vigil.providers.registry import PROVIDERS
from vigil.simulator.registry import SIMULATED_ACCOUNTS, STORIES
from vigil.storage.folder import FolderStorage
from vigil.temporal.client import VerificationClient
from vigil.temporal.messages import SEARCH_ATTRIBUTES

ROOT: Final = Path(__file__).parents[1]
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("clients/**/*.md")])
README: Final = ROOT / "README.md"
PAPERS: Final = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))

_BLOCK: Final = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\((?!https?://)(?P<path>[^)#\s]*)#?(?P<heading>[^)\s]*)\)")
_PATH: Final = re.compile(r"(?<![.\w/])(?:api|activities|deploy|docs|tests|vigil|workflows)/[\w./-]+")
_VERB: Final = re.compile(r"(?:`|^\$ |\()vigil ([a-z]+)", re.MULTILINE)
_TARGET: Final = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)


def verbs() -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def headings(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_documents_to_look_at() -> None:
    assert {path.name for path in DOCUMENTS} >= {"README.md", "runbook.md", "glossary.md", "architecture.md"}


@PAPERS
def test_a_link_leads_to_something(document: Path) -> None:
    dead = []
    for link in _LINK.finditer(document.read_text()):
        target = (document.parent / link["path"]) if link["path"] else document
        if not target.exists() or (link["heading"] and link["heading"] not in headings(target)):
            dead.append(link[0])

    assert dead == []


@PAPERS
def test_a_path_that_is_named_is_in_the_tree(document: Path) -> None:
    named = {path.rstrip("./") for path in _PATH.findall(document.read_text())}
    here = {path for path in named if (ROOT / path).exists() or (document.parent / path).exists()}

    assert {path for path in named - here if "<" not in path and not path.startswith("vigil/providers/name")} == set()


@PAPERS
def test_a_command_that_is_named_exists(document: Path) -> None:
    text = document.read_text()
    missing = {"doctor"}  # named where the documents say that it is not there

    assert set(_VERB.findall(text)) - missing <= verbs()
    assert set(_TARGET.findall(text)) <= targets()


def test_the_page_for_operators_names_every_command() -> None:
    commands = (ROOT / "docs/operating.md").read_text().partition("## Commands\n")[2]
    named = {name for row in commands.splitlines() for name in re.findall(r"[a-z]+", "".join(row.split("|")[2:]))}

    assert verbs() - named == set()


IS_MISSING: Final[Mapping[str, Callable[[FastAPI], bool]]] = {
    "**Smile ID's second generation.**": lambda app: "v2" not in PROVIDERS["smile_id"].contracts,
    "at the latest 7 days after it was given, or not at all.": lambda app: longest_reopening() == timedelta(days=7),
}


def longest_reopening() -> timedelta:
    contracts = [contract for entry in PROVIDERS.values() for contract in entry.contracts.values()]
    return max(age for contract in contracts for age in contract.tracking.reopens)


def methods(app: FastAPI) -> set[str]:
    return {method for path in app.openapi()["paths"].values() for method in path}


@pytest.mark.parametrize("sentence", IS_MISSING)
async def test_what_is_said_to_be_missing_is_missing(sentence: str, tmp_path: Path) -> None:
    digester = Digester(b"a-key-of-some-length")
    tracker = VerificationClient(await connect("127.0.0.1:9", "default", lazy=True), {}, digester)
    app = build_app(Dependencies(accounts={}, tracker=tracker, storage=FolderStorage(tmp_path), digester=digester))

    assert sentence in " ".join(README.read_text().split())
    assert IS_MISSING[sentence](app)


def test_what_is_said_to_be_there_is_there() -> None:
    assert "Four providers with eleven sender contracts: ID360, Identomat, Signicat Assure" in README.read_text()
    contracts = {name: len(entry.contracts) for name, entry in PROVIDERS.items()}
    assert contracts == {"id360": 1, "identomat": 1, "signicat": 7, "smile_id": 2}
    assert {played.provider for played in SIMULATED_ACCOUNTS} == {"id360", "identomat", "signicat", "smile_id"}


def test_the_demonstration_that_is_shown_has_the_stories_that_are_played() -> None:
    (shown,) = (found["text"] for found in _BLOCK.finditer(README.read_text()) if found["kind"] == "text")
    lines = [line for line in shown.splitlines() if line.endswith("✓")]

    assert lines
    assert {line[:40].strip() for line in lines} <= {story.title for story in STORIES}


@pytest.mark.parametrize("words", [Stage, Decision, Outcome, Basis, Proof], ids=lambda words: words.__name__)
def test_the_glossary_has_every_word_of_a_closed_list(words: type[Stage]) -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    assert [word.value for word in words if f"`{word.value}`" not in glossary] == []


def test_the_runbook_has_every_search_attribute_and_no_attention_that_is_none() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    filtered = re.findall(r"VigilAttention IN \(([^)]*)\)", runbook)

    assert [name for name in SEARCH_ATTRIBUTES if f"`{name}`" not in runbook] == []
    assert {word.strip(" '") for words in filtered for word in words.split(",")} <= {word.value for word in Attention}


def test_the_runbook_says_of_every_attention_that_is_raised_who_acts() -> None:
    sources = "\n".join(
        path.read_text()
        for path in (ROOT / "vigil" / "domain").glob("*.py")
        if path.stem not in {"explanation", "terms"}
    )
    used = {Attention[name] for name in re.findall(r"Attention\.([A-Z_]+)", sources)}
    runbook = (ROOT / "docs" / "runbook.md").read_text()

    assert len(used) > 10
    assert [reason for reason in sorted(used) if f"| `{reason}` | {ACTS_ON[reason]} |" not in runbook] == []


def test_the_runbook_has_every_reason_of_a_refusal() -> None:
    sources = [*ROOT.glob("vigil/providers/**/*.py"), *ROOT.glob("api/callbacks/*.py")]
    given = re.findall(
        r"(?:CallbackRefused\(|progress\.refusal = )(.*)", "\n".join(path.read_text() for path in sources)
    )
    reasons = {reason for text in given for reason in re.findall(r'"([a-z_]+)"', text)}
    runbook = (ROOT / "docs" / "runbook.md").read_text()

    assert reasons >= {"wrong_header", "unknown_account"}
    assert [reason for reason in reasons if f"`{reason}`" not in runbook] == []
