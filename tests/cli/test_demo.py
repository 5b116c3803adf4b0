import asyncio
import json
import subprocess
import time

import pytest

from tests.cli.running import ROOT, command, environment
from vigil.simulator.registry import SIMULATED_ACCOUNTS, STORIES


@pytest.mark.alone
async def test_the_demonstration_prints_one_json_object_in_which_every_story_ended_as_expected() -> None:
    began = time.monotonic()
    ended = await asyncio.to_thread(
        subprocess.run,
        command("demo", "--json"),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    took = time.monotonic() - began
    print(f"the demonstration took {took:.1f} s")  # noqa: T201 -- a figure to look at, not a claim

    told = json.loads(ended.stdout)
    assert [story for story in told["stories"] if not story["ok"]] == []
    assert told["ok"] is True
    assert ended.returncode == 0
    assert ended.stderr == ""
    # About two minutes on a machine that does nothing else.
    assert took < 270


def test_every_played_account_has_a_story_and_no_two_stories_of_one_have_the_same_title() -> None:
    assert {story.account for story in STORIES} == {played.name for played in SIMULATED_ACCOUNTS}
    assert len({(story.account, story.title) for story in STORIES}) == len(STORIES)


def test_messages_of_different_stories_go_to_different_addresses_and_are_counted() -> None:
    sending = [story for story in STORIES if story.messages_to is not None]

    assert len({story.messages_to for story in sending}) == len(sending) > 0
    assert [story.title for story in sending if "sent" not in story.expected] == []
    assert [story.title for story in STORIES if "messages" in story.expected and story.messages_to is None] == []


def test_every_story_expects_a_verdict_a_registration_and_a_count_of_files() -> None:
    named = {"outcome", "decision", "registered", "attention", "evidence_stored"}

    assert [story.title for story in STORIES if not named <= set(story.expected)] == []
