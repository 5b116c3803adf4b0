"""Every query of the dashboard shows something of a stack that has been played."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from vigil.cli.context import open_installation
from vigil.demo.ports import Ports, find_free_ports
from vigil.demo.simulator_accounts import write_settings
from vigil.demo.stack import Stack
from vigil.demo.story_runner import StoryRun, open_story_runner
from vigil.simulator.registry import SIMULATED_ACCOUNTS, STORIES

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "vigil.json"
TITLES = {
    "final callback lost, found by polling",
    "a link by SMS",
    "a redacted image is refused",
    "provisional, and nobody reviews it",
}
HOOK = """
[endpoints.nobody]
url = "http://127.0.0.1:9/"
secret = "whsec_"
allow_private = true
"""


def queries() -> dict[str, str]:
    """The queries by panel and number, over a minute in the place of what Grafana chooses."""
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    return {
        f"{panel['title']} {target['refId']}": re.sub(r"\[[^\]]+\]", "[1m]", target["expr"])
        for panel in panels
        for target in panel["targets"]
    }


@asynccontextmanager
async def prometheus(folder: Path, port: int, targets: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Run a real Prometheus that scrapes the targets every second."""
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "vigil", "static_configs": [{"targets": targets}]}],
    }
    file = folder / "prometheus.json"  # JSON is YAML
    file.write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http:
            async with asyncio.timeout(60):
                while True:
                    with suppress(httpx.TransportError):
                        if (await http.get("/-/ready")).is_success:
                            break
                    await asyncio.sleep(0.2)
            yield http
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs Debian's package `prometheus`")
async def test_every_query_of_the_dashboard_shows_something_of_a_played_stack(tmp_path: Path) -> None:
    ports, (api, worker, server) = Ports.find_free(), find_free_ports(3)
    stack = Stack(tmp_path / "stack", ports, accounts=SIMULATED_ACCOUNTS, time_scale=240, in_memory=True)
    temporal = f"127.0.0.1:{ports.temporal}"
    write_settings(stack.config, SIMULATED_ACCOUNTS, ports, temporal=temporal, time_scale=240)
    text = stack.config.read_text().replace("[api]\n", f'[api]\nmetrics_address = "127.0.0.1:{api}"\n')
    hook = HOOK.replace("whsec_", "whsec_BqV1m0l1Pz3mN6b2h7Zs0x8cK4tYw9RfA5uEoJdGiQk=")
    stack.config.write_text(f'{text}{hook}[worker]\nmetrics_address = "127.0.0.1:{worker}"\n')
    targets = [f"127.0.0.1:{api}", f"127.0.0.1:{worker}"]
    async with stack.run(), prometheus(tmp_path, server, targets) as http, open_installation(stack.config) as runtime:
        async with open_story_runner(stack, runtime.tracker) as runner:
            runs = [StoryRun.prepare(story, runtime.settings) for story in STORIES if story.title in TITLES]
            for run in runs:
                run.registration = {**run.registration, "notify": ["nobody"]}
            await runner.run_all(runs)
        await asyncio.sleep(5)
        found = {name: await ask(http, query) for name, query in queries().items()}

    assert {run.story.title: run.failure for run in runs} == dict.fromkeys(TITLES)
    assert {name for name, results in found.items() if not results} == set()


async def ask(http: httpx.AsyncClient, query: str) -> list[object]:
    answer = await http.get("/api/v1/query", params={"query": query})
    assert answer.is_success, (query, answer.text)
    results: list[object] = answer.json()["data"]["result"]
    return results
