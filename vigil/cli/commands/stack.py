"""Commands that run a stack on this machine, or one process of an installation."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from vigil.cli.arguments import JsonOption, split_pairs

serve = typer.Typer(no_args_is_help=True, help="Run one process of Vigil until it is stopped.")


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Run verifications at simulated providers and check that each ends as expected.

    Exits with 0 if every story ended as expected, else with 1.
    """
    from vigil.cli.demo import run_demo

    raise typer.Exit(0 if run_demo(as_json=as_json, keep=keep) else 1)


def _port(help_: str) -> Any:
    return typer.Option(min=1, max=65535, metavar="PORT", help=help_)


def dev(
    *,
    temporal_port: Annotated[int, _port("Port of Temporal.")] = 7233,
    ui_port: Annotated[int, _port("Port of Temporal's web UI.")] = 8233,
    api_port: Annotated[int, _port("Port of the API, for callbacks and backends.")] = 8000,
    simulator_port: Annotated[int, _port("Port of the simulated providers.")] = 9000,
    mail_port: Annotated[int, _port("Port of the simulated mail server.")] = 9025,
    codec_port: Annotated[int, _port("Port at which Temporal's UI has payloads opened.")] = 8234,
    ports: Annotated[
        str | None, typer.Option(help="`free`: on ports that nobody uses, the same at each start.", metavar="free")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder of settings, data and logs.", metavar="FOLDER")] = Path(".vigil"),
) -> None:
    """Run Temporal, the simulator, the API and a worker on this machine, until Ctrl-C."""
    if ports not in {None, "free"}:
        raise typer.BadParameter("Use --ports free, or name single ports with --api-port and so on.")
    from vigil.cli.dev import run_dev, take_free_ports
    from vigil.demo.ports import Ports

    named = Ports(
        temporal=temporal_port,
        ui=ui_port,
        api=api_port,
        simulator=simulator_port,
        mail=mail_port,
        codec=codec_port,
    )
    run_dev(folder, take_free_ports(folder) if ports else named)


class SimulateCommand(TyperCommand):
    """Lists the options of one provider's scenario in the help: `vigil simulate ACCOUNT --help`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what was typed, since the help is printed before the arguments are parsed."""
        ctx.meta["typed"] = [each for each in args if not each.startswith("-")]
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the options after everything else."""
        typed = ctx.meta.get("typed") or []
        if not typed:
            with formatter.section("Options of the scenario"):
                formatter.write_text("`vigil simulate ACCOUNT --help` lists them; ACCOUNT may be a provider, too.")
            return
        from vigil.cli.scenario_options import list_options

        with formatter.section(
            f"Options of the scenario at {typed[0]}, for --set; a duration is 90 (seconds) or PT10M"
        ):
            formatter.write_dl(list_options(typed[0]))


def simulate(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="An account whose base_url is at the simulator.", metavar="ACCOUNT")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", help="An option of the scenario, such as drop_finals=true; repeatable.", metavar="NAME=VALUE"
        ),
    ] = None,
    register: Annotated[bool, typer.Option(help="Register it as a backend does.")] = True,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it is concluded.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a verification at the simulator, with any faults that you choose, and register it."""
    options = split_pairs(option or [], "--set NAME=VALUE")
    from vigil.cli.simulate import Shown, start_simulated

    start_simulated(context.obj, account, options, Shown(watch, as_json), register=register)


def listen(
    context: typer.Context,
    forward_to: Annotated[
        str | None,
        typer.Option(help="Address of your program, which gets each notification and answers it.", metavar="URL"),
    ] = None,
) -> None:
    """Print the notifications of a stack on this machine, and send them on to your program, until Ctrl-C."""
    from vigil.cli.listen import listen_to_notifications

    listen_to_notifications(context.obj, forward_to)


def _print_events(context: typer.Context, is_asked: bool) -> None:
    if is_asked:
        from vigil.cli.trigger import list_events

        print(context.get_help())
        print("\nEvents:")
        for name, story in list_events().items():
            print(f"  {name:<28} {story.title}")
        raise typer.Exit


def trigger(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="ACCOUNT.END; this help lists all.", metavar="EVENT")],
    watch: Annotated[bool, typer.Option(help="Follow it until it is concluded.")] = True,
    as_json: JsonOption = False,
    _help: Annotated[
        bool, typer.Option("--help", "-h", callback=_print_events, is_eager=True, help="Show this, and all events.")
    ] = False,
) -> None:
    """Play a verification at the simulator to a certain end, and let Vigil notify the endpoints of its settings."""
    from vigil.cli.simulate import Shown
    from vigil.cli.trigger import trigger_event

    trigger_event(context.obj, event, Shown(watch, as_json))


@serve.callback()
def _serve() -> None:
    """Run one process of Vigil until it is stopped."""


@serve.command()
def api(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of that in the settings.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port, instead of that in the settings.")] = None,
) -> None:
    """Serve callbacks and backends as `[api]` says, with limits on connections, headers and time."""
    from vigil.cli.serve import serve_api

    serve_api(context.obj, host, port)


@serve.command()
def codec(context: typer.Context) -> None:
    """Open payloads for Temporal's UI as `[codec]` says: for persons with a token, each call with a line of audit."""
    from vigil.cli.serve import serve_codec

    serve_codec(context.obj)
