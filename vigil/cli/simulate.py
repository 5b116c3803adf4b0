"""`vigil simulate`: begins a verification at the simulator and registers it, as a backend and an applicant would."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console

from vigil.cli.context import opened
from vigil.cli.errors import CommandError
from vigil.cli.watch import follow
from vigil.config.runtime import Runtime
from vigil.demo.simulator_accounts import build_scenario, find_account
from vigil.domain.verification_key import VerificationKey
from vigil.registration import RegistrationRequest

CALLER: Final = "vigil-simulate"


def simulate(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="An account whose base_url is at the simulator.", metavar="ACCOUNT")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", help="An option of the scenario, such as drop_finals=true.", metavar="OPTION=VALUE"
        ),
    ] = None,
    register: Annotated[bool, typer.Option(help="Whether a backend registers it.")] = True,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is concluded.")] = False,
) -> None:
    """Begin a verification at the simulator, with whatever should go wrong, and register it."""
    asyncio.run(_simulate(context.obj, account, _options(option or []), register=register, watch=watch))


async def _simulate(config: Path | None, account: str, options: dict[str, Any], *, register: bool, watch: bool) -> None:
    console = Console()
    async with opened(config) as runtime:
        runtime.tracker.account(account)
        play = await _begin(runtime, account, options)
        key = VerificationKey(account=account, reference=play["reference"])
        if register:
            known = find_account(runtime.settings, account).registration
            told = {"reference": key.reference, "coordinates": play["coordinates"]}
            request = RegistrationRequest(account=account, **told, **known)
            await runtime.registrar.register(request, by=CALLER)
        console.print(f"{account} {key.reference}", highlight=False)
        if watch:
            await follow(runtime, key, console)


async def _begin(runtime: Runtime, account: str, options: dict[str, Any]) -> dict[str, Any]:
    configured = runtime.settings.accounts[account].own
    simulator, is_simulator, _ = configured.base_url.rpartition(f"/{configured.provider}")
    nowhere = f"accounts.{account}.base_url is not at a running simulator: `vigil dev` starts one."
    if not is_simulator:
        raise CommandError(nowhere)
    try:
        scenario = build_scenario(runtime.settings, account, options)
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{simulator}/control/{configured.provider}/verifications", json=scenario)
    except LookupError as error:
        raise CommandError(str(error)) from None
    except httpx.HTTPError:
        raise CommandError(nowhere) from None
    if not answer.is_success:
        raise CommandError(_refusal(answer) or nowhere)
    begun: dict[str, Any] = answer.json()
    return begun


def _refusal(answer: httpx.Response) -> str | None:
    if answer.headers.get("content-type") != "application/problem+json":
        return None
    problem = answer.json()
    wrong = "; ".join(f"{error['field']}: {error['problem']}" for error in problem.get("errors", []))
    return f"{problem['title']} {wrong}".strip()


def _options(given: list[str]) -> dict[str, Any]:
    options = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not separator:
            raise CommandError("An option is given as OPTION=VALUE.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
