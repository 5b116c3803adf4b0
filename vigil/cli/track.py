"""`vigil track`: registers verifications that are in flight already; repeating it is harmless."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import track as progress
from temporalio.service import RPCError

from vigil.cli.context import opened
from vigil.cli.errors import CommandError
from vigil.client import RegistrationResult
from vigil.config.runtime import Runtime
from vigil.domain.errors import ProviderError
from vigil.errors import ConflictingRegistration, RegistrationRefused, VigilError
from vigil.registration import RegistrationRequest
from vigil.storage.contract import StorageError

AT_A_TIME: Final = 16
CALLER: Final = "vigil-track"


@dataclass(frozen=True)
class Wanted:
    """One registration to make, and how to name it where it fails; a reference may be a secret, so never by that."""

    name: str
    request: RegistrationRequest


@dataclass(frozen=True)
class Fault:
    """One registration that was not made, and why. Shows no value."""

    name: str
    why: str


def track(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Our account's name.", metavar="ACCOUNT")] = None,
    references: Annotated[list[str] | None, typer.Argument(help="The provider's ids.", metavar="REFERENCE")] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="One JSON object a line, with the fields of POST /verifications.", metavar="KEYS.JSONL"),
    ] = None,
    coordinate: Annotated[
        list[str] | None, typer.Option(help="What else the provider must be told.", metavar="NAME=VALUE")
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Which sender of the provider it is.", metavar="SENDER")] = None,
) -> None:
    """Register verifications that were begun elsewhere. May be repeated."""
    if (file is None) == (account is None or not references):
        raise CommandError("Give an account and references, or --file with one JSON object a line.")
    if file is not None:
        found = list(read_lines(file))
    else:
        given = {"account": account, "coordinates": _coordinates(coordinate or []), "sender": sender}
        found = [parsed(f"reference {n}", {**given, "reference": text}) for n, text in enumerate(references or [], 1)]
    faults = asyncio.run(_track(context.obj, found))
    raise typer.Exit(1 if faults else 0)


def read_lines(file: Path) -> Iterator[Wanted | Fault]:
    """Read one registration a line; what cannot be one is a fault with its line's number. Raises `CommandError`."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield parsed(f"line {number}", line)
    except OSError as error:
        raise CommandError(f"{file} cannot be read ({type(error).__name__}).") from None


def parsed(name: str, given: bytes | dict[str, object]) -> Wanted | Fault:
    """Read one registration."""
    model = RegistrationRequest
    try:
        request = model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] == "json_invalid":
            return Fault(name, "is not JSON")
        field = ".".join(map(str, first["loc"]))
        return Fault(name, f"{field}: {first['msg']}" if field else "is not a JSON object")
    return Wanted(name, request)


async def _track(config: Path | None, found: list[Wanted | Fault]) -> list[Fault]:
    console = Console(stderr=True)
    wanted = [one for one in found if isinstance(one, Wanted)]
    faults = [one for one in found if isinstance(one, Fault)]
    new = 0
    async with opened(config) as runtime:
        gate = asyncio.Semaphore(AT_A_TIME)
        tasks = [asyncio.create_task(_register(runtime, one, gate)) for one in wanted]
        done = asyncio.as_completed(tasks)
        quiet = not console.is_terminal
        for task in progress(done, "Registering", total=len(tasks), console=console, transient=True, disable=quiet):
            result = await task
            if isinstance(result, Fault):
                faults.append(result)
            else:
                new += result is RegistrationResult.STARTED
    for fault in sorted(faults, key=lambda fault: int(fault.name.rpartition(" ")[2])):
        console.print(f"✗ {fault.name}: {fault.why}", style="red", markup=False, highlight=False)
    known = len(found) - len(faults) - new
    Console().print(f"{new} are tracked now, {known} were before, {len(faults)} could not be.", highlight=False)
    return faults


async def _register(runtime: Runtime, wanted: Wanted, gate: asyncio.Semaphore) -> RegistrationResult | Fault:
    async with gate:
        try:
            _, registered = await runtime.registrar.register(wanted.request, by=CALLER)
            return registered
        except VigilError as error:
            return Fault(wanted.name, _say(error))
        except ProviderError as error:
            return Fault(wanted.name, f"the provider gives no usable answer ({error.code}): repeat the command")
        except StorageError:
            return Fault(wanted.name, "storage gives no usable answer now: repeat the command")
        except RPCError as error:
            return Fault(wanted.name, f"Temporal did not accept it ({error.status.name}): repeat the command")


def _say(error: VigilError) -> str:
    match error:
        case ConflictingRegistration():
            return f"is tracked already, with another {', '.join(error.fields)}"
        case RegistrationRefused() if error.faults:
            return "; ".join(f"{fault.field}: {fault.detail}" for fault in error.faults)
        case _:
            return str(error)


def _coordinates(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if any(not separator for _, separator, _ in pairs):
        raise CommandError("A coordinate is given as NAME=VALUE.")
    return {name: value for name, _, value in pairs}
