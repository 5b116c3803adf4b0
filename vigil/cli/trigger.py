"""`vigil trigger`: play a verification at the simulator to the end that the name of the event says."""

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.simulate import Shown, register_simulated, show_simulated, start_at_simulator
from vigil.simulator.registry import STORIES
from vigil.simulator.story import Registers, Story


def list_events() -> Mapping[str, Story]:
    """Return the stories that can be triggered, by `ACCOUNT.END`: for each end of an account the first story."""
    events: dict[str, Story] = {}
    for story in STORIES:
        outcome, decision = story.expected.get("outcome"), story.expected.get("decision")
        if story.registers is Registers.AT_ONCE and not story.afterwards and outcome is not None:
            events.setdefault(f"{story.account}.{decision or outcome}", story)
    return dict(sorted(events.items()))


def trigger_event(config: Path | None, event: str, how: Shown) -> None:
    """Play an event, with a notification of its end. Raises `CommandError` if there is no such event."""
    events = list_events()
    if event not in events:
        near = get_close_matches(event, events, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`vigil trigger --help` lists all."
        raise CommandError(f"There is no event {event}. {hint}")
    asyncio.run(_trigger(config, events[event], how))


async def _trigger(config: Path | None, story: Story, how: Shown) -> None:
    async with open_installation(config) as runtime:
        simulated = await start_at_simulator(runtime.settings, story.account, dict(story.scenario))
        told = {"notify": tuple(runtime.settings.endpoints), **story.registration}
        key = runtime.tracker.account(story.account).key_of(simulated["reference"])
        await register_simulated(runtime, key, simulated, told)
        await show_simulated(runtime, key, simulated["coordinates"], how)
