"""Records the histories of the present release that are still missing; `make histories`. It overwrites none."""

import asyncio
import json
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.notifications import Endpoint
from tests.activities.backend import Backend
from tests.short_timeouts import with_short_timeouts
from tests.workflows.stories import BACKEND, STORIES, Story
from tests.workflows.verifying import verifying
from tests.world import World, own_account
from vigil.demo.temporal_server import find_binary
from vigil.process_exit import exit_now
from vigil.temporal.conversion import PLAIN
from vigil.temporal.messages import SEARCH_ATTRIBUTES

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROOT: Final = Path(__file__).parents[2]
HISTORIES: Final = Path(__file__).parent / "histories"
DIGESTS: Final = HISTORIES / "SHA256SUMS"
"""The digest of every recorded history, as `sha256sum` writes them: a history is never replaced."""
LONG: Final = 60
"""Events after which the server suggests a new run, in stories of long histories."""


def release() -> str:
    """Return the version of the tree, which names the folder of its histories."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def missing(stories: Sequence[Story] = STORIES) -> list[Story]:
    """Return the stories without a history of the present release."""
    return [story for story in stories if not (HISTORIES / release() / f"{story.name}.json").exists()]


def digests() -> dict[str, str]:
    """Return the digest of each recorded history, by its place."""
    files = sorted(HISTORIES.glob("*/*.json"))
    return {file.relative_to(HISTORIES).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


def without_stack_traces(value: Any) -> Any:
    """Return a history without what names places on the machine that recorded it."""
    if isinstance(value, dict):
        return {name: without_stack_traces(inner) for name, inner in value.items() if name != "stackTrace"}
    return [without_stack_traces(inner) for inner in value] if isinstance(value, list) else value


async def record(stories: Sequence[Story]) -> None:
    """Play stories on real servers, and keep the history that each one names."""
    for is_long in (False, True):
        chosen = [story for story in stories if story.has_long_history is is_long]
        if chosen:
            async with _server(suggest_after=LONG if is_long else None) as client:
                await _record(chosen, client)
    DIGESTS.write_text("".join(f"{digest}  {place}\n" for place, digest in digests().items()))


@asynccontextmanager
async def _server(*, suggest_after: int | None) -> AsyncIterator[Client]:
    options = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES.items()]
    if suggest_after is not None:
        options += ["--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={suggest_after}"]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_binary()), dev_server_extra_args=options, data_converter=PLAIN
    ) as environment:
        yield environment.client


async def _record(stories: Sequence[Story], client: Client) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        backend = await stack.enter_async_context(Backend().listening())
        url = f"http://127.0.0.1:{backend.port}/"
        endpoint = Endpoint(name=BACKEND, url=url, secrets=(SECRET,), allow_private=True)
        for story in stories:
            world = World(
                with_short_timeouts(client) if story.has_short_timeouts else client,
                folder / story.name,
                plan=story.plan,
                account=own_account(),
                endpoints={BACKEND: endpoint},
                finder=story.finder() if story.finder else None,
                replayer=story.replayer() if story.replayer else None,
                reader=story.reader(),
            )
            async with verifying(world).workers(), asyncio.timeout(120):
                handle = await story.play(world)
                if not story.is_open:
                    await handle.result()
                history = await handle.fetch_history()
            kept = without_stack_traces(json.loads(history.to_json()))
            with (HISTORIES / release() / f"{story.name}.json").open("x") as file:
                file.write(json.dumps(kept, indent=1) + "\n")
            sys.stdout.write(f"recorded {story.name}: {len(kept['events'])} events\n")


if __name__ == "__main__":
    (HISTORIES / release()).mkdir(parents=True, exist_ok=True)
    asyncio.run(record(missing()))
    exit_now(0)
