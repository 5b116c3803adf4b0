"""The campaign as a backend: it creates verifications at the provider, registers them, and reads how they ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import httpx

from faults.mix import Case
from faults.places import Places, headers
from vigil.config.settings import Settings
from vigil.demo.simulator_accounts import build_scenario

_TRY_FOR: Final = 300.0
_AGAIN_AFTER: Final = 0.5
_AFTERWARDS_AT: Final = timedelta(minutes=20)
_AT_ONCE: Final = 8
ENDPOINT: Final = "checkout"


class NotPossible(Exception):
    """A request was not answered as it must be within a long time."""


@dataclass(frozen=True)
class Backend:
    """Speaks to the simulator and to the APIs; what is not answered is asked again, as a careful backend does."""

    http: httpx.AsyncClient
    places: Places
    settings: Settings
    time_scale: float

    async def play(self, case: Case) -> None:
        """Create and register a verification, and return when the provider has nothing new to say of it."""
        provider = self.settings.accounts[case.account].own.provider
        ordered = build_scenario(self.settings, case.account, case.scenario)
        control = f"{self.places.ports.simulator_url}/control/{provider}/verifications"
        created = await self._insist("POST", [control], json=ordered)
        began = time.monotonic()
        case.reference = created.json()["reference"]
        await self._register(case, created.json()["coordinates"])
        if case.afterwards is not None:
            await self._sleep_until(began, _AFTERWARDS_AT)
            await self._insist("POST", [f"{control}/{quote(case.reference)}/events"], json=case.afterwards)
        await self._sleep_until(began, case.lasts)

    async def _register(self, case: Case, coordinates: Any) -> None:
        body = {
            **case.registration,
            "account": case.account,
            "reference": case.reference,
            "coordinates": coordinates,
            "notify": [ENDPOINT],
        }
        urls = [f"{url}/verifications" for url in self.places.api_urls]
        answer = await self._insist("POST", urls, json=body, headers=headers(self.places))
        case.shown_as = answer.headers["location"].partition(f"/verifications/{case.account}/")[2]

    async def views(self, cases: Sequence[Case]) -> dict[int, Any]:
        """Return what the API says of each verification, by the number of the case; None: it does not know it."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def view(case: Case) -> Any:
            async with slots:
                return await self.view(case.account, case.shown_as)

        return dict(zip((case.number for case in cases), await asyncio.gather(*map(view, cases)), strict=True))

    async def view(self, account: str, reference: str) -> Any:
        """Return what the API says of one verification; None: it does not know it."""
        answer = await self._read(f"{account}/{reference}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()

    async def timeline(self, case: Case) -> Any:
        """Return the log of a verification."""
        return (await self._read(f"{case.account}/{case.shown_as}/timeline")).json()

    async def file(self, case: Case, name: str) -> bytes:
        """Return a stored file."""
        return (await self._read(f"{case.account}/{case.shown_as}/evidence/{quote(name)}")).content

    async def _read(self, path: str) -> httpx.Response:
        urls = [f"{url}/verifications/{path}" for url in self.places.api_urls]
        return await self._insist("GET", urls, headers=headers(self.places))

    async def _insist(self, method: str, urls: Sequence[str], **more: Any) -> httpx.Response:
        """Ask one address after the other until one answers with 2xx or, for a GET, 404. Raises `NotPossible`."""
        until, seen = time.monotonic() + _TRY_FOR, "nothing"
        while time.monotonic() < until:
            for url in urls:
                try:
                    answer = await self.http.request(method, url, **more)
                except httpx.HTTPError as error:
                    seen = type(error).__name__
                    continue
                if answer.is_success or (method == "GET" and answer.status_code == httpx.codes.NOT_FOUND):
                    return answer
                seen = f"{answer.status_code} {answer.text[:300]}"
            await asyncio.sleep(_AGAIN_AFTER)
        raise NotPossible(f"{method} {urls[0]}: {seen}")

    async def _sleep_until(self, began: float, age: timedelta) -> None:
        await asyncio.sleep(max(0.0, began + age.total_seconds() / self.time_scale - time.monotonic()))


Look = Callable[[Sequence[Case]], Awaitable[tuple[Sequence[Case], int]]]
"""Looks at cases, and returns those that are not right yet, and how much there is to wait for."""


async def settle(open_: Sequence[Case], look: Look, *, within: float, every: float) -> None:
    """Wait until there is nothing to wait for, or until it has not become less for so many seconds."""
    open_, least = await look(open_)
    until = time.monotonic() + within
    while least and time.monotonic() < until:
        await asyncio.sleep(every)
        open_, left = await look(open_)
        if left < least:
            least, until = left, time.monotonic() + within
