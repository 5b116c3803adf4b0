"""Each metric that the runbook tells people to watch has an alert, and each alert is played by promtool."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
RULES: Any = YAML(typ="safe").load((ROOT / "deploy/alerts.yml").read_text())
TESTS: Any = YAML(typ="safe").load((ROOT / "deploy/alerts.tests.yml").read_text())
EXPRESSIONS: dict[str, str] = {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}
TABLE = (ROOT / "docs/runbook.md").read_text().partition("## Metrics to watch\n")[2].partition("\n\n[deploy")[0]
ROWS: list[tuple[str, str]] = re.findall(r"^\| `(\w+).*\| `(\w+)` \|$", TABLE, re.MULTILINE)


def test_the_runbook_has_a_row_for_each_alert() -> None:
    assert sorted(alert for _, alert in ROWS) == sorted(EXPRESSIONS)
    assert len(ROWS) == TABLE.count("\n| `")


@pytest.mark.parametrize(("metric", "alert"), ROWS)
def test_the_alert_of_a_row_looks_at_the_metric_of_that_row(metric: str, alert: str) -> None:
    assert metric in EXPRESSIONS[alert]


def test_each_alert_has_a_test_in_which_it_is_silent_and_then_fires() -> None:
    played = {test["name"]: [bool(each["exp_samples"]) for each in test["promql_expr_test"]] for test in TESTS["tests"]}

    assert played.keys() == EXPRESSIONS.keys()
    assert all(fires[0] is False and True in fires for fires in played.values())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed; .ci/run installs it")
def test_promtool_finds_that_each_alert_fires_when_it_should() -> None:
    command = ["promtool", "test", "rules", "deploy/alerts.tests.yml"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stdout
