"""One campaign from its start to its report."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx

from faults import bucket, report
from faults.backend import Backend, settle
from faults.disturbances import Disturber
from faults.fleet import Fleet, clock_library, running
from faults.forger import Forger
from faults.kept import Kept, pending
from faults.mix import Case, cases
from faults.pace import Pace
from faults.places import Places, Storage
from faults.recorder import Recorder
from faults.verdict import Judge, is_right
from vigil.cli.context import open_installation
from vigil.config.settings import Settings, load_settings
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.simulator.serving import serving

_FORGED_EVERY: Final = 0.4
_CLOCKS: Final = (None, "+10m", "-10m")
"""By how much the clock of one worker differs, seed after seed."""
_SABOTAGED_WITHIN: Final = 60.0
"""Seconds for ends that never come."""


@dataclass(frozen=True)
class Size:
    """How large a campaign is, and how long it may take, in seconds."""

    verifications: int
    time_scale: float
    each: float
    """Between the beginnings of two verifications, while a core is idle."""
    each_at_most: float
    fault_lasts: float
    fault_pause: float
    settles_within: float
    """After the last verification or callback that became right."""


SHORT: Final = Size(66, 60, each=0.5, each_at_most=0.5, fault_lasts=2.5, fault_pause=1.5, settles_within=150)
FULL: Final = Size(2000, 60, each=0.35, each_at_most=2, fault_lasts=4, fault_pause=4, settles_within=300)


@dataclass(frozen=True)
class Campaign:
    """What is played. Everything random follows from the seed, except when the machine does what."""

    seed: int
    verifications: int
    time_scale: float
    sabotage: str | None
    storage: Storage
    fault_pause: float | None
    size: Size


async def play(campaign: Campaign, folder: Path) -> dict[str, Any]:
    """Play a campaign and return its report. Raises `ProgramFailed`, `NoTemporal`."""
    began, machine = time.monotonic(), report.machine()
    current = asyncio.current_task()
    if current is not None:  # whoever ends the campaign ends its processes
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, current.cancel)
    places = Places.find(folder, campaign.storage)
    if campaign.storage is Storage.BUCKET:  # we read what is stored as the product does
        os.environ.update(bucket.environment(places.bucket))
    played = cases(campaign.verifications, random=Random(campaign.seed))
    starting = running(
        places, time_scale=campaign.time_scale, sabotage=campaign.sabotage, clock=_CLOCKS[campaign.seed % len(_CLOCKS)]
    )
    async with starting as fleet:
        size = campaign.size
        pause = campaign.fault_pause or size.fault_pause
        disturber = Disturber(fleet, Random(campaign.seed), longest=size.fault_lasts, pause=pause)
        recorder = Recorder(places.api_urls, faults=disturber.under_way, random=Random(campaign.seed + 2))
        async with serving(recorder.app(), port=places.proxy):
            return await _Round(campaign, places, played, disturber, recorder).play(began, machine)


@dataclass
class _Round:
    """A campaign whose processes run."""

    campaign: Campaign
    places: Places
    cases: Sequence[Case]
    disturber: Disturber
    recorder: Recorder

    async def play(self, began: float, machine: Mapping[str, Any]) -> dict[str, Any]:
        settings = load_settings(self.places.config)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http:
            backend = Backend(http, self.places, settings, self.campaign.time_scale)
            forger = Forger(
                self.recorder,
                proxy=f"http://127.0.0.1:{self.places.proxy}",
                secrets_of=_secrets(settings),
                random=Random(self.campaign.seed + 1),
            )
            forging = asyncio.create_task(forger.run(self.cases, every=_FORGED_EVERY))
            await self._play_all(backend)
            forging.cancel()
            with suppress(asyncio.CancelledError):
                await forging
            return {
                **await self._judge(backend, forger),
                "machine": machine,
                "seconds": round(time.monotonic() - began),
            }

    async def _play_all(self, backend: Backend) -> None:
        """Play all verifications, and disturb them until the provider has nothing new to say of any."""
        over = asyncio.Event()
        await asyncio.gather(self._begin_all(backend, over), self.disturber.run(over))

    async def _begin_all(self, backend: Backend, over: asyncio.Event) -> None:
        pace = Pace(self.campaign.size.each, self.campaign.size.each_at_most)
        async with asyncio.TaskGroup() as playing:
            for case in self.cases:
                playing.create_task(backend.play(case))
                await pace.wait()
        over.set()

    async def _judge(self, backend: Backend, forger: Forger) -> dict[str, Any]:
        judge = Judge(self.cases, self.recorder.attempts, self.places, backend)
        async with open_installation(self.places.config) as runtime:

            async def look(open_: Sequence[Case]) -> tuple[Sequence[Case], int]:
                views = await backend.views(open_)
                wrong = [case for case in open_ if not is_right(case, views[case.number])]
                return wrong, len(wrong) + len(await pending(runtime.storage))

            within = _SABOTAGED_WITHIN if self.campaign.sabotage else self.campaign.size.settles_within
            await settle(self.cases, look, within=within, every=3)
            views = await backend.views(self.cases)
            kept = Kept(runtime.storage, runtime.digester, runtime.client)
            await kept.read()
            await judge.judge(views, kept, forger)
        fleet: Fleet = self.disturber.fleet
        return report.build(
            given={
                "seed": self.campaign.seed,
                "time_scale": self.campaign.time_scale,
                "sabotage": self.campaign.sabotage,
                "storage": self.campaign.storage,
                "clock": _CLOCKS[self.campaign.seed % len(_CLOCKS)] if clock_library() else None,
            },
            judge=judge,
            done=self.disturber.done,
            views=views,
            facts={
                "ended_by_itself": fleet.ended(),
                "memory_mib": report.mebibytes(fleet.memory),
            },
        )


def _secrets(settings: Settings) -> dict[str, str]:
    """Return the secret that the callbacks of each account bear; not those that only sign."""
    found = {}
    for account in SIMULATED_ACCOUNTS:
        if account.secret_at and account.secret_at != ("api_key",):
            value: Any = settings.accounts[account.name].own
            for step in account.secret_at:
                value = value[step] if isinstance(value, dict) or hasattr(value, "keys") else getattr(value, step)
            newest = value[0] if isinstance(value, tuple) else value
            found[account.name] = newest.get_secret_value()
    return found
