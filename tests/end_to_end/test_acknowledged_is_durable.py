"""A callback that was answered 2xx changes its verification, whatever process is killed, whenever."""

import asyncio
import random
from typing import Final

from tests.end_to_end.conftest import ACCOUNT, Running
from vigil.demo.stack import Part
from vigil.domain.verification_key import VerificationKey

KILLED: Final[tuple[Part, ...]] = ("api", "worker", "api")
VERIFICATIONS = 10
CALLBACKS_A_ROUND = 60


def finished_step(reference: str, number: int) -> dict[str, object]:
    return {
        "id": int(reference),
        "status": "STARTED",
        "reason": None,
        "steps_status": {"done": number, "total": 1000},
        "enrollment_step": {"status": "OK", "errors": [], "reason": "", "name": f"step-{number}", "documents": []},
    }


async def heard(running: Running, reference: str) -> set[str]:
    key = VerificationKey(account=ACCOUNT, reference=reference)
    record = await running.runtime.tracker.handle(key).query("record")
    checks = record["callbacks"]["progress"]["checks"] if record else []
    return {check["name"] for check in checks}


async def test_no_acknowledged_callback_is_lost_when_the_api_and_the_worker_are_killed(running: Running) -> None:
    references = [await running.play(outcome="silent", callbacks=False) for _ in range(VERIFICATIONS)]
    for reference in references:
        await running.register(reference)
    chance = random.Random(7)
    numbers = iter(range(1, 1000))
    answered: dict[str, set[str]] = {reference: set() for reference in references}
    unanswered = 0

    async def send(number: int) -> None:
        nonlocal unanswered
        await asyncio.sleep(chance.random())
        reference = references[number % VERIFICATIONS]
        if await running.call_back(finished_step(reference, number)) == 200:
            answered[reference].add(f"step-{number}")
        else:
            unanswered += 1

    for part in KILLED:
        sending = [asyncio.create_task(send(next(numbers))) for _ in range(CALLBACKS_A_ROUND)]
        await asyncio.sleep(0.3 + 0.4 * chance.random())
        await running.stack.programs[part].kill()
        await asyncio.gather(*sending)
        await running.stack.restart(part)

    async with asyncio.timeout(60):
        while not all([answered[reference] <= await heard(running, reference) for reference in references]):
            await asyncio.sleep(0.5)

    assert sum(len(numbers) for numbers in answered.values()) > CALLBACKS_A_ROUND
    assert unanswered > 0
