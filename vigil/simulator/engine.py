"""The delivery engine: posts callbacks exactly as a sender contract says, and notes every attempt."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import Field, StringConstraints

from vigil.domain.sender_contract import AnswerMeaning, SenderContract
from vigil.domain.terms import Frozen
from vigil.simulator.clock import Clock

log = logging.getLogger(__name__)

WRONG_SECRET: Final = "Bearer not-the-agreed-secret"  # noqa: S105 -- it opens nothing, that is its purpose

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]


class Endpoint(Frozen):
    """Where a sender calls back, and the headers that it was told to send there."""

    url: Url
    headers: Mapping[str, str] = {}
    held_with: str | None = Field(None, description="endpoints of one name are held together; None: of one host")

    @property
    def receiver(self) -> str:
        """Who is held back by a code that holds everything: without a name the host and port, whatever the path."""
        return self.held_with or urlsplit(self.url).netloc


class Event(Frozen):
    """Something that a sender means to tell: a name for people, the body, and the headers of this event alone."""

    name: str
    content: bytes
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


class Faults(Frozen):
    """What goes wrong with one event; by default nothing does.

    `lost` names the attempts, from 1, that are lost on the way: the sender hears no answer and comes again.
    `answered` names those that something before the receiver answers in its stead, and the codes of its answers.
    A `dropped` event is meant, but never sent. `delay` is contract time before the first attempt. An event that is
    `lost_when_held` does not come again once its answer held everything back.
    """

    dropped: bool = False
    lost: frozenset[int] = frozenset()
    answered: Mapping[int, int] = {}
    duplicates: int = Field(0, ge=0, le=100)
    delay: timedelta = timedelta(0)
    wrong_secret: bool = False
    lost_when_held: bool = False


class Attempt(Frozen):
    """One attempt at one delivery; `at` is contract time, `code` is None where no answer came in time."""

    copy_number: int
    number: int
    sent_at: datetime
    at: timedelta
    code: int | None
    meaning: AnswerMeaning
    lost: bool = False


class Delivery:
    """One event on its way to one endpoint: what was meant, and what became of it so far."""

    def __init__(self, event: Event, endpoint: Endpoint, faults: Faults) -> None:
        self.event = event
        self.endpoint = endpoint
        self.faults = faults
        self.attempts: list[Attempt] = []
        self.finished = faults.dropped

    def request_headers(self) -> dict[str, str]:
        """Return the headers to send; a wrong secret replaces the values of all headers that were agreed."""
        agreed = dict(self.endpoint.headers)
        if self.faults.wrong_secret:
            agreed = dict.fromkeys(agreed, WRONG_SECRET)
        return {**self.event.headers, **agreed}


class Engine:
    """Delivers events, each event to each endpoint on its own clock. `aclose` ends whatever is still due.

    `address` is where the simulator is reached, for the links in what is delivered: whoever orders says it.
    """

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.clock = clock
        self.address = "http://simulator.invalid"
        self._client = client
        self._held_until: dict[tuple[str, str], timedelta] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(
        self,
        contract: SenderContract,
        event: Event,
        endpoint: Endpoint,
        *,
        faults: Faults | None = None,
        redeliveries: int | None = None,
    ) -> Delivery:
        """Begin to deliver one event to one endpoint, and return the growing account of it.

        `redeliveries` caps how often the sender comes again, where its documents disagree about it.
        """
        delivery = Delivery(event, endpoint, faults or Faults())
        if not delivery.finished:
            delays = contract.redelivery.delays[:redeliveries]
            self.begin(self._deliver(contract, delivery, delays))
        return delivery

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something until it ends or the engine is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    async def aclose(self) -> None:
        """Cancel all that is due, and return when nothing runs any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("simulator.play_broke", exc_info=error)

    async def _deliver(self, contract: SenderContract, delivery: Delivery, delays: tuple[timedelta, ...]) -> None:
        await self.clock.sleep(delivery.faults.delay)
        async with asyncio.TaskGroup() as copies:
            for copy_number in range(1, delivery.faults.duplicates + 2):
                copies.create_task(self._come_again_until_done(contract, delivery, delays, copy_number))
        delivery.finished = True

    async def _come_again_until_done(
        self, contract: SenderContract, delivery: Delivery, delays: tuple[timedelta, ...], copy_number: int
    ) -> None:
        first_at = None
        for number, delay in enumerate((timedelta(0), *delays), start=1):
            counted_from = self.clock.now()
            if first_at is not None and contract.redelivery.counted_from == "first":
                counted_from = first_at
            await self.clock.sleep_until(counted_from + delay)
            await self._wait_while_held(contract, delivery.endpoint)
            first_at = first_at if first_at is not None else self.clock.now()
            attempt = await self._attempt(contract, delivery, copy_number, number)
            delivery.attempts.append(attempt)
            if attempt.meaning is AnswerMeaning.HOLD_EVERYTHING:
                self._hold(contract, delivery.endpoint)
                if delivery.faults.lost_when_held:
                    return
            if attempt.meaning in {AnswerMeaning.ACCEPTED, AnswerMeaning.NEVER_AGAIN}:
                return

    async def _attempt(self, contract: SenderContract, delivery: Delivery, copy_number: int, number: int) -> Attempt:
        lost = number in delivery.faults.lost
        sent_at, at = datetime.now(UTC), self.clock.now()
        instead = delivery.faults.answered.get(number)
        code = None if lost else instead or await self._post(contract, delivery)
        meaning = contract.answering.meaning_of(code)
        return Attempt(
            copy_number=copy_number,
            number=number,
            sent_at=sent_at,
            at=at,
            code=code,
            meaning=meaning,
            lost=lost,
        )

    async def _post(self, contract: SenderContract, delivery: Delivery) -> int | None:
        budget = self.clock.patience(contract.answering.budget)
        try:
            # One limit for the whole exchange: httpx's own count each read anew, and would wait for a slow drip.
            async with asyncio.timeout(budget.total_seconds()):
                answer = await self._client.post(
                    delivery.endpoint.url,
                    content=delivery.event.content,
                    headers=delivery.request_headers(),
                    timeout=None,  # the limit is the one around this call
                    follow_redirects=False,
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None
        return answer.status_code

    def _hold(self, contract: SenderContract, endpoint: Endpoint) -> None:
        key = (contract.sender, endpoint.receiver)
        released_at = self.clock.now() + contract.answering.hold_for
        self._held_until[key] = max(released_at, self._held_until.get(key, released_at))

    async def _wait_while_held(self, contract: SenderContract, endpoint: Endpoint) -> None:
        key = (contract.sender, endpoint.receiver)
        # A hold may be prolonged while we wait for its end.
        while (released_at := self._held_until.get(key)) is not None and released_at > self.clock.now():
            await self.clock.sleep_until(released_at)
