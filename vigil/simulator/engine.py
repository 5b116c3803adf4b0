"""The delivery engine: sends callbacks exactly as a sender contract says, and records every attempt."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import Field, StringConstraints

from vigil.domain.models import StrictModel
from vigil.domain.sender_contract import AnswerMeaning, SenderContract
from vigil.simulator.clock import Clock

log = logging.getLogger(__name__)

WRONG_SECRET: Final = "Bearer not-the-agreed-secret"  # noqa: S105 -- it opens nothing, that is its purpose

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")]


class Endpoint(StrictModel):
    """Where a sender posts its callbacks, and the headers that were agreed for them."""

    url: Url
    headers: Mapping[str, str] = {}
    held_with: str | None = Field(
        None, description="endpoints with the same name are held together; None: those of one host"
    )

    @property
    def receiver(self) -> str:
        """What a code that holds everything holds back: the name, or else the host and port with every path."""
        return self.held_with or urlsplit(self.url).netloc


class Callback(StrictModel):
    """One callback of a sender: a name for people, the body, and the headers of this callback alone."""

    name: str
    content: bytes
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


class Faults(StrictModel):
    """What goes wrong with one callback; by default nothing does.

    `lost` are the attempts, counted from 1, that get lost on the way: the sender receives no answer and repeats them.
    `answered` are those that something before the receiver answers, with its status codes. A callback that is
    `dropped` is never sent. `delay` is contract time before the first attempt. A callback that is `lost_when_held` is
    not repeated once its answer has held everything back.
    """

    dropped: bool = False
    lost: frozenset[int] = frozenset()
    answered: Mapping[int, int] = {}
    duplicates: int = Field(0, ge=0, le=100)
    delay: timedelta = timedelta(0)
    wrong_secret: bool = False
    lost_when_held: bool = False

    def combined(self, own: "Faults") -> "Faults":
        """Return these faults, and those that the callback has by itself."""
        return self.model_copy(
            update={
                "dropped": self.dropped or own.dropped,
                "duplicates": self.duplicates + own.duplicates,
                "lost_when_held": self.lost_when_held or own.lost_when_held,
            }
        )


NO_FAULTS: Final = Faults()


class Attempt(StrictModel):
    """One attempt at one delivery; `at` is contract time, `code` is None where no answer came in time."""

    copy_number: int
    number: int
    sent_at: datetime
    at: timedelta
    code: int | None
    meaning: AnswerMeaning
    lost: bool = False


class Delivery:
    """One callback on its way to one endpoint, and its attempts so far."""

    def __init__(self, callback: Callback, endpoint: Endpoint, faults: Faults) -> None:
        self.callback = callback
        self.endpoint = endpoint
        self.faults = faults
        self.attempts: list[Attempt] = []
        self.finished = faults.dropped

    def request_headers(self) -> dict[str, str]:
        """Return the headers to send; a wrong secret replaces the value of every agreed header."""
        agreed = dict(self.endpoint.headers)
        if self.faults.wrong_secret:
            agreed = dict.fromkeys(agreed, WRONG_SECRET)
        return {**self.callback.headers, **agreed}


class Engine:
    """Delivers callbacks, each independently of all others. `aclose` cancels what is still due.

    `address` is the simulator's own address, for links in callbacks: that of the newest request to the control routes.
    """

    def __init__(self, client: httpx.AsyncClient, clock: Clock) -> None:
        self.clock = clock
        self.address = "http://simulator.invalid"
        self._client = client
        self._held_until: dict[tuple[str, str], timedelta] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(
        self, contract: SenderContract, callback: Callback, endpoint: Endpoint, *, faults: Faults = NO_FAULTS
    ) -> Delivery:
        """Begin to deliver one callback to one endpoint, and return the delivery, to which attempts will be added."""
        delivery = Delivery(callback, endpoint, faults)
        if not delivery.finished:
            self.begin(self._deliver(contract, delivery))
        return delivery

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine as a task until it ends or the engine is closed, and return the task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    async def aclose(self) -> None:
        """Cancel all tasks, and return when none is running."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("simulator.task_failed", exc_info=error)

    async def _deliver(self, contract: SenderContract, delivery: Delivery) -> None:
        await self.clock.sleep(delivery.faults.delay)
        async with asyncio.TaskGroup() as copies:
            for copy_number in range(1, delivery.faults.duplicates + 2):
                copies.create_task(self._repeat_until_done(contract, delivery, copy_number))
        delivery.finished = True

    async def _repeat_until_done(self, contract: SenderContract, delivery: Delivery, copy_number: int) -> None:
        first_at = None
        for number, delay in enumerate((timedelta(0), *contract.redelivery.delays), start=1):
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
        code = None if lost else delivery.faults.answered.get(number) or await self._post(contract, delivery)
        meaning = contract.answering.meaning_of(code)
        return Attempt(
            copy_number=copy_number, number=number, sent_at=sent_at, at=at, code=code, meaning=meaning, lost=lost
        )

    async def _post(self, contract: SenderContract, delivery: Delivery) -> int | None:
        budget = self.clock.patience(contract.answering.budget)
        try:
            # One limit for the whole exchange: those of httpx begin again with every read of a slow answer.
            async with asyncio.timeout(budget.total_seconds()):
                answer = await self._client.post(
                    delivery.endpoint.url,
                    content=delivery.callback.content,
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
        # Another answer may prolong the hold while this callback waits.
        while (released_at := self._held_until.get(key)) is not None and released_at > self.clock.now():
            await self.clock.sleep_until(released_at)
