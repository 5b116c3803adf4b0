"""`vigil deploy`: choose the build of the workers on which workflows run."""

import asyncio
from pathlib import Path
from typing import Final

from rich.text import Text

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import build_grid, open_console, print_json
from vigil.temporal.deployments import Deployment, describe_deployment, set_current, set_ramping

_MEANINGS: Final = {
    "current": "runs the workflows",
    "draining": "has workflows left: keep its workers",
    "drained": "has no workflows left: stop its workers",
    "new": "runs nothing yet",
}


def choose_build(config: Path | None, build: str | None, ramp: float | None, *, as_json: bool) -> None:
    """Move all workflows, or `ramp` percent of them, to a build if one is given, and print all builds."""
    if ramp is not None and build is None:
        raise CommandError("--ramp needs the name of a build.")
    deployment = asyncio.run(_deploy(config, build, ramp))
    if as_json:
        builds = [{"name": each.name, "state": each.state} for each in deployment.builds]
        print_json({"builds": builds, "takes_work": deployment.takes_work, "percentage": deployment.percentage})
        return
    grid = build_grid()
    for each in deployment.builds:
        meaning = _MEANINGS.get(each.state, f"runs {deployment.percentage:g} % of the workflows")
        grid.add_row(each.name, each.state, Text(meaning))
    console = open_console()
    console.print(grid)
    if not deployment.takes_work:
        console.print(Text("No build is current, so that no workflow runs on any of them.", style="red"))


async def _deploy(config: Path | None, build: str | None, ramp: float | None) -> Deployment:
    async with open_installation(config) as runtime:
        name, client = runtime.settings.worker.deployment, runtime.client
        if name is None:
            raise CommandError("The workers have no versions: set [worker] deployment first.")
        if build is not None and ramp is not None:
            await set_ramping(client, name, build, ramp)
        elif build is not None:
            await set_current(client, name, build)
        deployment = await describe_deployment(client, name)
    if deployment is None:
        raise CommandError(f"No worker of the deployment {name} has asked for work yet: start one.")
    return deployment
