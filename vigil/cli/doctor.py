"""`vigil doctor`: test a deployed address from outside, and the installation behind it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from temporalio.service import RPCError

from vigil.cli.check import find_all
from vigil.cli.errors import CommandError
from vigil.cli.findings import CheckFailed, Finding, print_findings, run_check
from vigil.cli.probing import Address, open_probing_http
from vigil.domain.explanation import find_silence
from vigil.domain.terms import Outcome
from vigil.errors import VigilError
from vigil.listing import Filters, iterate_verifications
from vigil.runtime import Runtime
from vigil.storage.contract import StorageError
from vigil.temporal import messages

LONGEST_BUDGET: Final = timedelta(seconds=10)
"""For answers, where the settings have no account that says less."""
MISSED_BEFORE_A_FINDING: Final = 3
LOOKED_AT: Final = 20
"""The newest decided verifications of an account, of which the callbacks are looked at."""


def examine(config: Path | None, url: str, *, as_json: bool) -> bool:
    """Print what is wrong with a deployment. Return whether nothing is."""
    return print_findings(asyncio.run(find_faults(config, url)), as_json=as_json)


async def find_faults(config: Path | None, url: str) -> list[Finding]:
    """Return what each check found. Raises `CommandError` for an address that is none."""
    url = url.rstrip("/").removesuffix("/callbacks")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise CommandError("Give the address of the API, such as https://callbacks.example.com.")

    async def look(runtime: Runtime) -> list[Finding]:
        # One after the other: answers are timed.
        return [*await _probe_address(runtime, url), *await _look_deeper(runtime)]

    return await find_all(config, address=url, further=look)


async def _probe_address(runtime: Runtime, url: str) -> list[Finding]:
    """Probe the address, and at last send what strangers send. Unless the API answers, nothing more is asked."""
    account = next(iter(runtime.accounts), "vigil")
    names = frozenset[str]().union(*(each.provider.proof_headers for each in runtime.accounts.values()))
    async with open_probing_http() as http:
        address = Address(http, url, account, runtime.digester, names)
        found = [await run_check("address", _check_scheme(url, address.check_answers))]
        if not found[0].is_ok:
            return found
        budgets = [one.answering.budget for each in runtime.accounts.values() for one in each.contracts.values()]
        checks: Sequence[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("bodies", address.check_bodies),
            ("headers", address.check_headers),
            ("large bodies", address.check_large_body),
            ("upgrade", address.check_upgrade),
            ("answer time", partial(address.check_answer_time, min(budgets, default=LONGEST_BUDGET))),
            ("clock", address.check_clock),
            ("proxy", address.check_proxy),
            ("junk", address.check_junk),
            ("exposure", address.check_exposure),
        ]
        return found + [await run_check(name, check()) for name, check in checks]


async def _check_scheme(url: str, then: Callable[[], Awaitable[str]]) -> str:
    parts = urlsplit(url)
    if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
        raise CheckFailed("callbacks hold secrets, and this address has no TLS", "give providers an https address")
    return await then()


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _look_deeper(runtime: Runtime) -> Sequence[Finding]:
    """Look at what runs: a worker on every queue, and the callbacks of the last verifications."""
    activities = [messages.ARTIFACTS_QUEUE, *map(messages.provider_queue, runtime.accounts)]
    workflows = [messages.VERIFICATIONS_QUEUE, messages.NOTIFICATIONS_QUEUE, messages.MESSAGES_QUEUE]
    checks = [
        *(run_check(f"queue {name}", _check_queue(runtime, name, is_workflow=True)) for name in workflows),
        *(run_check(f"queue {name}", _check_queue(runtime, name, is_workflow=False)) for name in activities),
        *(run_check(f"callbacks {name}", _check_callbacks(runtime, name)) for name in runtime.accounts),
    ]
    return await asyncio.gather(*checks)


async def _check_queue(runtime: Runtime, name: str, *, is_workflow: bool) -> str:
    try:
        queue = await runtime.tracker.queue(name, is_workflow=is_workflow)
    except (RPCError, RuntimeError):
        raise CheckFailed("Temporal gives no usable answer", "correct [temporal] address and namespace") from None
    silence = find_silence(queue, datetime.now(UTC))
    if silence is not None:
        text, _, fix = silence.rpartition(": ")
        raise CheckFailed(text, fix)
    return "a worker takes its work"


async def _check_callbacks(runtime: Runtime, account: str) -> str:
    """Check that verdicts are announced: else the provider has another address, or other events are subscribed."""
    missed, seen = 0, 0
    try:
        async for run in iterate_verifications(runtime.client, Filters(account=account, outcome=Outcome.DECIDED)):
            if run.is_unreadable:
                text = "these keys, or this release, cannot read the state of its verifications"
                raise CheckFailed(text, "give these settings the keysets of the deployment, in [seal] folder")
            if run.summary is None or not run.summary.registered:  # its callback may be from before our time
                continue
            key = await runtime.lookup.resolve_key(account, run.encoded_reference)
            record = (await runtime.lookup.get(key)).record
            seen += record is not None
            missed += bool(record and record.callbacks.missed and record.callbacks.missed >= record.verdict.revision)
            if seen == LOOKED_AT:
                break
    except (RPCError, RuntimeError, StorageError, VigilError):
        raise CheckFailed("Temporal or storage give no usable answer", "repair them first") from None
    if seen == missed and missed >= MISSED_BEFORE_A_FINDING:
        text = f"no callback announced the verdict of the last {missed} verifications; each was found by polling"
        fix = f"compare the callback URL and the events at the provider with `vigil accounts {account}`"
        raise CheckFailed(text, fix)
    return f"of the last {seen} decided verifications, the callback of {missed} was missed"
