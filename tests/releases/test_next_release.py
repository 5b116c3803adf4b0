"""The next release differs from this one in every interface, or the trials with both of them prove nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.architecture.test_model_bases import KEPT, OURS, SENT
from tests.releases.next_release import BASES, FIELD, WORD, travelling_lists

ASKED = """
import importlib, json, sys
found = {}
for name in json.load(sys.stdin):
    module, _, member = name.rpartition(".")
    value = getattr(importlib.import_module(module), member)
    fields = getattr(value, "model_fields", None)
    found[name] = sorted(fields) if fields is not None else [each.value for each in value]
import vigil.domain.registration, vigil
print(json.dumps({
    "found": found,
    "default": vigil.domain.registration.Registration.model_fields["evidence"].default,
    "tree": vigil.__path__[0],
}))
"""


def ask(tree: Path, names: list[str]) -> Any:
    """Ask the code of a tree which fields and words it has."""
    ended = subprocess.run(
        [sys.executable, "-c", ASKED],
        input=json.dumps(names),
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_every_sent_and_stored_model_and_every_list_has_grown(next_release: Path) -> None:
    models = [model for model in OURS if issubclass(model, BASES)]
    names = [f"{each.__module__}.{each.__name__}" for each in (*models, *travelling_lists())]

    said = ask(next_release, names)

    assert [name for name in names if FIELD not in said["found"][name] and WORD not in said["found"][name]] == []
    assert said["default"] == "none"
    assert said["tree"] == str(next_release / "vigil")
    assert {*SENT, *KEPT} <= set(models)
    assert len(models) > 60
    assert {"Attention", "Stage", "Outcome", "Proof", "StartedBy", "EntryKind"} <= {
        each.__name__ for each in travelling_lists()
    }
