from pathlib import Path

import httpx

from vigil.cli.context import opened
from vigil.cli.demo import TIME_SCALE, _untold
from vigil.demo.stack import Ports, Stack
from vigil.demo.story_runner import StoryRunner
from vigil.simulator.verdant import ACCOUNTS, STORIES


async def test_every_story_ends_as_expected(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", Ports.free(), accounts=ACCOUNTS, time_scale=TIME_SCALE, forgets=True)
    http = httpx.AsyncClient(trust_env=False, timeout=30)
    async with stack, opened(stack.config) as installation, http:
        teller = StoryRunner(http, installation.tracker, api=stack.api, simulator=stack.simulator)
        told = [_untold(story, installation.settings) for story in STORIES]
        await teller.run_all(told)

    assert {one.story.title: one.observed for one in told} == {story.title: story.expected for story in STORIES}
