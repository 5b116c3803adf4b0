"""Builds the next release: a copy of the tree in which every interface has grown as the rules allow.

Each sent and stored model has one more field with a default, each list that travels one more word, and one default is
another. A verification that this release completes has a reason for attention that no earlier release knows.
"""

import ast
import inspect
import shutil
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from tests.architecture.test_model_bases import KEPT, OURS, SENT
from vigil.domain.models import MessageModel, StoredModel

ROOT: Final = Path(__file__).parents[2]
PARTS: Final = ("worker.py", "vigil", "api", "activities", "workflows")
FIELD: Final = "next_release"
WORD: Final = "next_release"
BASES: Final = (StoredModel, MessageModel)
GROWN: Final = tuple(model for model in OURS if any(base in model.__bases__ for base in BASES))
"""The models that get the field; those below them inherit it."""

EDITS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "vigil/domain/registration.py": (('evidence: Wanted = "all"', 'evidence: Wanted = "none"'),),
    "vigil/registration.py": (('evidence: Wanted = Field("all"', 'evidence: Wanted = Field("none"'),),
    "vigil/domain/attention.py": (
        ("_ADVICE: Final = {", '_ADVICE: Final = {\n    Attention.NEXT_RELEASE: "the moon is full",'),
    ),
    "workflows/verification.py": (
        (
            "record_edits.complete(self._record, at=workflow.now())",
            (
                "record_edits.complete(self._record, at=workflow.now())\n"
                '        if workflow.patched("next-release"):\n'
                "            self._book.record = record_edits.add_attention(\n"
                "                self._record, Attention.NEXT_RELEASE, at=workflow.now()\n"
                "            )"
            ),
        ),
    ),
}
"""By file: what stands there now, and in its place in the next release."""


def words_of(annotation: Any) -> Iterable[type[Enum]]:
    """Yield the closed lists in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield annotation
    if get_origin(annotation) in {Union, UnionType} or get_args(annotation):
        for inner in get_args(annotation):
            yield from words_of(inner)


def travelling_lists() -> tuple[type[Enum], ...]:
    """Return every closed list that a sent or stored model holds."""
    models = {*SENT, *KEPT, *(model for model in OURS if issubclass(model, BASES))}
    found = {each for model in models for hint in get_type_hints(model).values() for each in words_of(hint)}
    return tuple(sorted(found, key=lambda each: each.__name__))


def build_next_release(tree: Path) -> None:
    """Copy what runs to `tree`, and let it grow."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part)
        else:
            tree.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, tree / part)
    lists = travelling_lists()
    for place in {_place(each) for each in (*GROWN, *lists)}:
        insertions = {model.__name__: f'{FIELD}: str = "later"' for model in GROWN if _place(model) == place}
        insertions |= {each.__name__: f'{WORD.upper()} = "{WORD}"' for each in lists if _place(each) == place}
        (tree / place).write_text(_with_members((ROOT / place).read_text(), insertions))
    for place, edits in EDITS.items():
        text = (tree / place).read_text()
        for before, after in edits:
            assert text.count(before) == 1, (place, before)
            text = text.replace(before, after)
        (tree / place).write_text(text)


def _place(model: type[object]) -> str:
    return Path(inspect.getfile(model)).relative_to(ROOT).as_posix()


def _with_members(text: str, insertions: Mapping[str, str]) -> str:
    """Add a line to the body of each named class, after its docstring."""
    lines = text.splitlines()
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    for name in sorted(insertions, key=lambda each: -classes[each].lineno):
        first = classes[name].body[0]
        has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        after = (first.end_lineno or first.lineno) if has_docstring else classes[name].lineno
        lines[after:after] = ["", " " * first.col_offset + insertions[name]]
    return "\n".join(lines) + "\n"
