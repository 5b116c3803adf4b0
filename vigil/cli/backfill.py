"""`vigil backfill`: compare what the provider says with what is known, after an outage, and have the rest read."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import ValidationError
from rich.progress import Progress

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError, describe_error
from vigil.cli.formatting import format_state, open_console, print_json
from vigil.config.accounts import OpenAccount
from vigil.domain.decisions import apply_read
from vigil.domain.errors import ProviderRefusesUs, ReferenceUnknown
from vigil.domain.record import Record
from vigil.domain.snapshot import Answer, ReadRequest, ReadResult
from vigil.domain.verdict import Cause
from vigil.domain.verification_key import VerificationKey
from vigil.errors import UnknownAccount, UnknownVerification
from vigil.listing import Filters, ListedRun, iterate_verifications
from vigil.runtime import Runtime
from vigil.temporal.messages import PollNow

AUTHOR: Final = "vigil-backfill"
AT_ONCE: Final = 8
COMMAND_WITHIN: Final = timedelta(seconds=10)
_SHARE: Final = 2
"""The command reads half as often as the account may: the workers go on reading."""

State: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True)
class Period:
    """When the verifications were created that the provider is asked to list."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Difference:
    """What the provider says and we do not know. `known` is None for a verification that is not tracked.

    `reference` is the digest where the reference must not be shown. `is_applied` says that it will be read.
    """

    reference: str
    known: State | None
    provider: State | None
    is_applied: bool


@dataclass(frozen=True)
class Failure:
    """A verification that could not be compared or applied. The next run of the command tries it again."""

    reference: str
    reason: str


def fill(config: Path | None, account: str, period: Period, *, dry_run: bool, as_json: bool) -> bool:
    """Print the differences, and unless `dry_run` have them read. Return whether nothing failed."""
    results, counts = asyncio.run(_fill(config, account, period, dry_run=dry_run))
    failures = [each for each in results if isinstance(each, Failure)]
    differences = [each for each in results if isinstance(each, Difference)]
    if as_json:
        shown = {"account": account, "from": period.since, "to": period.until, "dry_run": dry_run, **counts}
        rows = {"differences": [asdict(each) for each in differences], "failed": [asdict(each) for each in failures]}
        print_json({**shown, **rows})
        return not failures
    console = open_console()
    for each in differences:
        known = format_state(each.known) if each.known is not None else "not tracked"
        says = format_state(each.provider) if each.provider is not None else "listed"
        console.print(each.reference, known, "→", says, markup=False, highlight=False)
    for failure in failures:
        line = f"✗ {failure.reference}: {failure.reason}"
        open_console(stderr=True).print(line, style="red", markup=False, highlight=False)
    listed = "the provider has no list" if counts["listed"] is None else f"listed: {counts['listed']}"
    done = "would be read" if dry_run else "will be read"
    console.print(
        f"open: {counts['open']}, {listed}, {done}: {len(differences)}, failed: {len(failures)}", highlight=False
    )
    return not failures


async def _fill(
    config: Path | None, name: str, period: Period, *, dry_run: bool
) -> tuple[list[Difference | Failure], Mapping[str, int | None]]:
    async with open_installation(config) as runtime:
        account = runtime.accounts.get(name)
        if account is None:
            raise UnknownAccount(runtime.accounts)
        backfill = _Backfill(runtime, account, dry_run=dry_run)
        runs = [run async for run in iterate_verifications(runtime.client, Filters(account=name, is_open=True))]
        results = await backfill.compare(runs)
        listed = None
        if account.provider.finder is not None:
            listed = 0
            async for found in backfill.list_created(period):
                listed += 1
                results += [found] if found is not None else []
        return results, {"open": len(runs), "listed": listed}


class _Backfill:
    """One run of the command for one account. It keeps no state, so that it may be killed and repeated."""

    def __init__(self, runtime: Runtime, account: OpenAccount, *, dry_run: bool) -> None:
        self._runtime = runtime
        self._account = account
        self._dry_run = dry_run
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pace = _Pace(_SHARE / account.reads_per_second)

    async def compare(self, runs: list[ListedRun]) -> list[Difference | Failure]:
        """Compare the open verifications with the provider's answers, and have those read that differ."""
        console = open_console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("Reading", total=len(runs))

            async def compare(run: ListedRun) -> Difference | Failure | None:
                async with self._slots:
                    result = await self._guarded(run.encoded_reference, run)
                progress.advance(bar)
                return result

            found = await asyncio.gather(*map(compare, runs))
        return [each for each in found if each is not None]

    async def list_created(self, period: Period) -> AsyncIterator[Difference | Failure | None]:
        """Yield for each verification that the provider lists a difference if nobody tracks it, else None."""
        finder = self._account.provider.finder
        if finder is None:
            return
        async for found in finder.list_created(since=period.since, until=period.until):
            try:
                key = VerificationKey(account=self._account.name, reference=found.reference)
            except ValidationError:
                yield Failure("a reference that cannot be tracked", "the provider lists it: tell the provider")
                continue
            path = self._runtime.tracker.path(key).partition("/")[2]
            yield await self._guarded(path, key)

    async def _guarded(self, reference: str, what: ListedRun | VerificationKey) -> Difference | Failure | None:
        try:
            return await (self._look(what) if isinstance(what, ListedRun) else self._track(reference, what))
        except ProviderRefusesUs:
            raise  # it refuses the others too
        except Exception as error:
            reason = describe_error(error)
            if reason is None:
                raise
            return Failure(reference, reason)

    async def _look(self, run: ListedRun) -> Difference | None:
        runtime = self._runtime
        key = await runtime.lookup.resolve_key(self._account.name, run.encoded_reference)
        record = await runtime.lookup.read_record(key)
        plan = self._account.plan_for(record.subject.sender)
        await self._pace.wait()
        reading = await self._read(record.question(plan).opened(runtime.digester))
        after = apply_read(record, reading, plan=plan, cause=Cause.COMMAND)
        if after.judgement() == record.judgement():
            return None
        if not self._dry_run:
            command = ("poll_now", PollNow(author=AUTHOR))
            await runtime.tracker.command(key, *command, command_id=secrets.token_hex(16), within=COMMAND_WITHIN)
        return Difference(run.encoded_reference, _state(record), _state(after), is_applied=not self._dry_run)

    async def _read(self, question: ReadRequest) -> ReadResult:
        """Return the provider's answer. What it holds of the applicant stays in this process."""
        reader, asked_at = self._account.provider.reader, datetime.now(UTC)
        unknown = ReferenceUnknown("not_found")
        for coordinates in (question.coordinates, *question.alternatives):
            try:
                reply = await reader.read(question.with_coordinates(coordinates))
            except ReferenceUnknown as error:
                unknown = error
                continue
            answer = Answer.ANSWERED if reply.snapshot is not None else Answer.NOT_READY
            return ReadResult(asked_at=asked_at, answer=answer, word=reply.word, snapshot=reply.snapshot)
        return ReadResult(
            asked_at=asked_at, answer=Answer.GONE if unknown.gone else Answer.NOT_FOUND, word=unknown.code
        )

    async def _track(self, reference: str, key: VerificationKey) -> Difference | None:
        try:
            await self._runtime.lookup.get(key)
        except UnknownVerification:
            is_applied = not self._dry_run and await self._runtime.erasures.start_discovered(key)
            return Difference(reference, None, None, is_applied=is_applied)
        return None


def _state(record: Record) -> State:
    verdict = record.verdict
    return {"stage": verdict.stage, "decision": verdict.decision, "outcome": verdict.outcome}


class _Pace:
    """Lets one pass after the other, `every` so many seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = 0.0
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Return when the next may pass."""
        async with self._lock:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._every


def build_period(since: datetime | None, until: datetime | None) -> Period:
    """Return the period; it ends now without an end. Raises `CommandError` if it has no length."""
    until = until or datetime.now(UTC)
    if since is None or since >= until:
        raise CommandError("Give --from before --to.")
    return Period(since, until)
