"""Runs of workflows share the modules of `workflows`, so that a module must not keep state of one run for another."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import workflows
from vigil.temporal.histories import make_replayer
from workflows.registry import WORKFLOWS

SHARED = {"cache", "lru_cache", "count", "cycle", "defaultdict", "deque", "Counter", "dict", "list", "set"}
"""What may be called for a value of a module or of a class, and would be state that all runs share."""
SIDE_EFFECTS = {"open", "input", "print", "breakpoint", "exec", "eval", "compile", "__import__"}
"""Builtins that no sandbox keeps from a workflow in production."""
MODULES = sorted(Path(inspect.getfile(workflows)).parent.glob("*.py"))


def shared_state(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield the lines of a module's body, and of its classes' bodies, that two runs could share and change."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from shared_state(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            value = node.value
            called = value.func if isinstance(value, ast.Call) else None
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", None)
            if name in SHARED or isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp):
                yield ast.unparse(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (ast.unparse(each) for each in node.decorator_list if "cache" in ast.unparse(each))
    yield from (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Global))


def side_effects(tree: ast.Module) -> Iterator[str]:
    """Yield the builtins with side effects that a module names, and the imports that wait for a run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in SIDE_EFFECTS:
            yield node.id
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (ast.unparse(each) for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_workflows_keeps_nothing_that_two_runs_could_change(module: Path) -> None:
    assert list(shared_state(ast.parse(module.read_text()))) == []


@pytest.mark.parametrize(
    "guilty",
    [
        "seen: dict[str, int] = {}",
        "class Run:\n    seen = set()",
        "@cache\ndef read(): ...",
        "def f():\n    global seen",
    ],
)
def test_shared_state_is_found(guilty: str) -> None:
    assert len(list(shared_state(ast.parse(guilty)))) == 1


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_workflows_calls_no_builtin_with_side_effects(module: Path) -> None:
    assert list(side_effects(ast.parse(module.read_text()))) == []


@pytest.mark.parametrize("guilty", ["open('x')", "read = input", "def f():\n    import os", "eval('1')"])
def test_a_side_effect_is_found(guilty: str) -> None:
    assert len(list(side_effects(ast.parse(guilty)))) == 1


async def test_a_history_replays_inside_the_whole_sandbox() -> None:
    """Production runs workflows without it, so the replays must not."""
    assert isinstance(make_replayer(WORKFLOWS).config()["workflow_runner"], SandboxedWorkflowRunner)
