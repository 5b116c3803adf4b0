"""Commands about an installation: its settings, its accounts, its Temporal namespace, its keys and histories."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from vigil.cli.arguments import AccountArgument, JsonOption, ReferenceArgument, parse_time
from vigil.cli.errors import CommandError

key = typer.Typer(no_args_is_help=True)
notify = typer.Typer(no_args_is_help=True)
histories = typer.Typer(no_args_is_help=True)
deploy = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder of the histories, one JSON file each.", metavar="FOLDER")]
Most = Annotated[int, typer.Option("--open", min=0, help="Number of open workflows, the newest first.")]
MostClosed = Annotated[int, typer.Option("--closed", min=0, help="Number of closed workflows, the newest first.")]


def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """Check the settings, the storage, Temporal, the endpoints, and a login at every provider.

    Changes nothing, but for a small object that it writes to a bucket and erases. Each endpoint is sent a signed test
    notification. Exits with 0 if every check passed, else with 1.
    """
    from vigil.cli.check import check_installation

    raise typer.Exit(0 if check_installation(context.obj, as_json=as_json) else 1)


def doctor(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The address at which providers reach the API.", metavar="URL")],
    as_json: JsonOption = False,
) -> None:
    """Test a deployed address from outside, and the installation behind it.

    Sends probes that the API compares and does not store, then runs what `vigil check` runs, and looks for a worker on
    each queue and for callbacks that never come. Run it with the settings of the deployment. Exits with 0 if every
    check passed, else with 1.
    """
    from vigil.cli.doctor import examine

    raise typer.Exit(0 if examine(context.obj, url, as_json=as_json) else 1)


def accounts(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="One account; by default all.", metavar="ACCOUNT")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show each account's callback URL, what to configure at the provider, and how its senders behave."""
    from vigil.cli.accounts import print_accounts

    print_accounts(context.obj, account, as_json=as_json)


def setup(context: typer.Context) -> None:
    """Add Vigil's search attributes to the Temporal namespace. Repeating the command is safe."""
    from vigil.cli.setup import prepare_namespace

    print(prepare_namespace(context.obj))


def refusals(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of callbacks.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List callbacks that failed their proof, the newest first."""
    from vigil.cli.refusals import print_refusals

    print_refusals(context.obj, limit, as_json=as_json)


def audit(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Name of the account.", metavar="[ACCOUNT]")] = None,
    reference: Annotated[str | None, typer.Argument(help="Only of this verification.", metavar="[REFERENCE]")] = None,
    since: Annotated[str, typer.Option(help="Only those after this time.", metavar="TIME|AGE")] = "7d",
    as_json: JsonOption = False,
) -> None:
    """List who read personal data: what kind, of which verification, and when. The oldest come first."""
    begun = parse_time(since)
    from vigil.cli.audit import print_audit

    print_audit(context.obj, account, reference, begun, as_json=as_json)


@key.callback()
def _key() -> None:
    """Make keys for backends."""


@key.command()
def new(
    name: Annotated[str, typer.Argument(help="The name of the backend.", metavar="NAME")], as_json: JsonOption = False
) -> None:
    """Print a new key and the line for the settings, which holds its hash.

    Nothing is stored: give the key to the backend, and keep no copy.
    """
    from vigil.cli.key import print_new_key

    print_new_key(name, as_json=as_json)


@histories.callback()
def _histories() -> None:
    """Take the histories of workflows, and replay them with another release before it is rolled out."""


@histories.command()
def export(context: typer.Context, folder: Folder, most_open: Most = 200, most_closed: MostClosed = 200) -> None:
    """Write histories to a new folder. References, applicants and coordinates are digests there."""
    from vigil.cli.histories import export_histories

    print(export_histories(context.obj, folder, most_open=most_open, most_closed=most_closed))


@histories.command()
def replay(folder: Folder, as_json: JsonOption = False) -> None:
    """Replay histories with the workflows of this release. Exit with 1 if one of them does not replay."""
    from vigil.cli.histories import replay_histories

    raise typer.Exit(0 if replay_histories(folder, as_json=as_json) else 1)


@deploy.callback()
def _deploy() -> None:
    """Choose the build of the workers on which workflows run, where `[worker] deployment` is set."""


@deploy.command()
def current(
    context: typer.Context,
    build: Annotated[str | None, typer.Argument(help="`VIGIL_BUILD` of its workers.", metavar="[BUILD]")] = None,
    ramp: Annotated[
        float | None,
        typer.Option(help="Move only this part of the workflows to the build.", min=0, max=100, metavar="PERCENT"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a build the current one, or only list the builds. Its workers must run already."""
    from vigil.cli.deploy import choose_build

    choose_build(context.obj, build, ramp, as_json=as_json)


@notify.callback()
def _notify() -> None:
    """See what backends were notified of, and send it again."""


@notify.command("list")
def list_notifications(
    context: typer.Context, account: AccountArgument, reference: ReferenceArgument, as_json: JsonOption = False
) -> None:
    """List the notifications of a verification: attempts, last answer, next attempt. Needs no worker."""
    from vigil.cli.notify import print_notifications

    print_notifications(context.obj, account, reference, as_json=as_json)


@notify.command()
def resend(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Name of the account.", metavar="ACCOUNT")] = None,
    reference: Annotated[str | None, typer.Argument(help="One verification.", metavar="REFERENCE")] = None,
    *,
    since: Annotated[str | None, typer.Option(help="Those begun after this time.", metavar="TIME|AGE")] = None,
    until: Annotated[str | None, typer.Option(help="Those begun before this time.", metavar="TIME|AGE")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.", metavar="ENDPOINT")] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --since: also what was delivered.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send notifications again, at once: of one verification, or with --since all that were not delivered.

    A notification has the same id each time, so that a backend recognises a repetition.
    """
    begun, ended = parse_time(since), parse_time(until)
    if (begun is None) == (account is None or reference is None):
        raise CommandError("Give either an account and a reference, or --since.")
    from vigil.cli.notify import Resending, resend_one, resend_range

    how = Resending(endpoint, dry_run=dry_run, as_json=as_json)
    if begun is None:
        resend_one(context.obj, account or "", reference or "", how)
    else:
        resend_range(context.obj, begun, ended or datetime.now(UTC), how, everything=everything)
