"""`vigil simulate`: start a verification at the simulator and register it, as an applicant and a backend do."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from vigil.cli.context import open_installation
from vigil.cli.errors import CommandError
from vigil.cli.formatting import open_console
from vigil.cli.watch import follow
from vigil.config.settings import Settings
from vigil.demo.simulator_accounts import build_scenario, find_account
from vigil.domain.verification_key import VerificationKey
from vigil.registration import RegistrationRequest
from vigil.runtime import Runtime

CALLER: Final = "vigil-simulate"


@dataclass(frozen=True)
class Shown:
    """Whether a verification is followed until it is concluded, and whether its lines are JSON."""

    watch: bool
    as_json: bool


def start_simulated(config: Path | None, account: str, given: Mapping[str, str], how: Shown, *, register: bool) -> None:
    """Start a verification at the simulator, register it if so asked, and print its key."""
    options = {name: _parse(value) for name, value in given.items()}
    asyncio.run(_simulate(config, account, options, how, register=register))


async def _simulate(config: Path | None, account: str, options: dict[str, Any], how: Shown, *, register: bool) -> None:
    async with open_installation(config) as runtime:
        known = runtime.tracker.account(account)
        simulated = await start_at_simulator(runtime.settings, account, options)
        key = known.key_of(simulated["reference"])
        if register:
            await register_simulated(runtime, key, simulated, {})
        await show_simulated(runtime, key, simulated["coordinates"], how)


async def show_simulated(runtime: Runtime, key: VerificationKey, coordinates: Mapping[str, Any], how: Shown) -> None:
    """Print account, reference and coordinates as a backend needs them for its own registration, then each change."""
    console = open_console()
    if how.as_json:
        print(json.dumps({"account": key.account, "reference": key.reference, "coordinates": coordinates}), flush=True)
    else:
        pairs = (f"{name}={value}" for name, value in coordinates.items())
        console.print(" ".join((key.account, key.reference, *pairs)), highlight=False, soft_wrap=True)
    if how.watch:
        await follow(runtime, key, console, as_json=how.as_json)


async def register_simulated(
    runtime: Runtime, key: VerificationKey, simulated: Mapping[str, Any], more: Mapping[str, Any]
) -> None:
    """Register a simulated verification as a backend does, with what its account and `more` add."""
    request = RegistrationRequest(
        account=key.account,
        reference=key.reference,
        coordinates=simulated["coordinates"],
        **{**find_account(runtime.settings, key.account).registration, **more},
    )
    await runtime.registrar.register(request, by=CALLER)


async def start_at_simulator(settings: Settings, account: str, options: dict[str, Any]) -> dict[str, Any]:
    """Start a verification and return what the simulator says of it. Raises `CommandError`."""
    own = settings.accounts[account].own
    simulator, is_simulator, _ = own.base_url.rpartition(f"/{own.provider}")
    not_running = f"accounts.{account}.base_url is not at a running simulator: start one with `vigil dev`."
    if not is_simulator:
        raise CommandError(not_running)
    try:
        scenario = build_scenario(settings, account, options)
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{simulator}/control/{own.provider}/verifications", json=scenario)
    except LookupError as error:
        raise CommandError(str(error)) from None
    except httpx.HTTPError:
        raise CommandError(not_running) from None
    if not answer.is_success:
        raise CommandError(_describe_refusal(answer) or not_running)
    simulated: dict[str, Any] = answer.json()
    return simulated


def _describe_refusal(answer: httpx.Response) -> str | None:
    if answer.headers.get("content-type") != "application/problem+json":
        return None
    problem = answer.json()
    faults = "; ".join(f"{error['field']}: {error['problem']}" for error in problem.get("errors", []))
    return f"{problem['title']} {faults}".strip()


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
