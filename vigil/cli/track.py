"""`vigil track`: register verifications that exist at a provider already."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich.progress import Progress

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError, describe_error
from vigil.cli.formatting import open_console, print_json
from vigil.domain.input_faults import describe_fault
from vigil.registration import RegistrationRequest
from vigil.runtime import Runtime
from vigil.temporal.client import RegistrationResult

CONCURRENCY: Final = 16
CALLER: Final = "vigil-track"


@dataclass(frozen=True)
class Entry:
    """One registration to make. `label` names it in messages: a reference may be a secret, so it is not shown."""

    label: str
    request: RegistrationRequest


@dataclass(frozen=True)
class Failure:
    """One registration that was not made. `reason` holds no value that was given."""

    label: str
    reason: str


def register_entries(config: Path | None, entries: Sequence[Entry | Failure], *, as_json: bool) -> bool:
    """Register the entries and print what became of them. Return whether every one is registered."""
    results = asyncio.run(_register_all(config, entries))
    failures = [result for result in results if isinstance(result, Failure)]
    for failure in failures:
        message = f"✗ {failure.label}: {failure.reason}"
        open_console(stderr=True).print(message, style="red", markup=False, highlight=False)
    new = results.count(RegistrationResult.STARTED)
    known = len(results) - len(failures) - new
    if as_json:
        failed = [{"entry": failure.label, "reason": failure.reason} for failure in failures]
        print_json({"registered": new, "registered_before": known, "failed": failed})
    else:
        open_console().print(f"registered: {new}, registered before: {known}, failed: {len(failures)}", highlight=False)
    return not failures


def read_entries(file: Path) -> Iterator[Entry | Failure]:
    """Yield one entry for each line that is not empty, labelled with its number. Raises `CommandError`."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield parse_entry(f"line {number}", line)
    except OSError as error:
        raise CommandError(f"{file} cannot be read ({type(error).__name__}).") from None


def parse_entry(label: str, given: bytes | dict[str, object]) -> Entry | Failure:
    """Return the entry that a JSON object or its fields hold, or the first fault."""
    model = RegistrationRequest
    try:
        request = model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        if fault["type"] == "json_invalid":
            return Failure(label, "is not JSON")
        field = ".".join(map(str, fault["loc"]))
        return Failure(label, f"{field}: {describe_fault(fault)}" if field else "is not a JSON object")
    return Entry(label, request)


async def _register_all(
    config: Path | None, entries: Sequence[Entry | Failure]
) -> Sequence[RegistrationResult | Failure]:
    console = open_console(stderr=True)
    slots = asyncio.Semaphore(CONCURRENCY)
    async with open_installation(config) as runtime:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("Registering", total=len(entries))

            async def register(entry: Entry | Failure) -> RegistrationResult | Failure:
                async with slots:
                    result = await _register(runtime, entry) if isinstance(entry, Entry) else entry
                progress.advance(bar)
                return result

            return await asyncio.gather(*map(register, entries))


async def _register(runtime: Runtime, entry: Entry) -> RegistrationResult | Failure:
    try:
        _, result = await runtime.registrar.register(entry.request, by=CALLER)
    except Exception as error:
        reason = describe_error(error)
        if reason is None:
            raise
        return Failure(entry.label, reason)
    return result
