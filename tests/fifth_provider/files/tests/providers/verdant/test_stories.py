from pathlib import Path

from vigil.cli.context import open_installation
from vigil.cli.demo import TIME_SCALE
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.demo.story_runner import StoryRun, open_story_runner
from vigil.simulator.verdant.stories import ACCOUNTS, STORIES


async def test_every_story_ends_as_expected(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", Ports.find_free(), accounts=ACCOUNTS, time_scale=TIME_SCALE, in_memory=True)
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        open_story_runner(stack, runtime.tracker) as runner,
    ):
        runs = [StoryRun.prepare(story, runtime.settings) for story in STORIES]
        await runner.run_all(runs)

    assert {run.story.title: run.observed for run in runs} == {story.title: story.expected for story in STORIES}
