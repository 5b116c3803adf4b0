"""Commands that erase data, or forbid it."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vigil.cli.arguments import (
    AccountArgument,
    AuthorOption,
    JsonOption,
    WholeReferenceArgument,
    parse_time,
    word_option,
)
from vigil.cli.errors import CommandError

hold = typer.Typer(no_args_is_help=True)

AUTHOR: Final = "operator"


def erase(
    context: typer.Context,
    account: AccountArgument,
    reference: WholeReferenceArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    author: AuthorOption = AUTHOR,
    as_json: JsonOption = False,
) -> None:
    """Erase all data of a verification, in storage and in Temporal. Its verdict stays. Needs a worker.

    An open verification is withdrawn first. Repeating the command is harmless.
    """
    if not yes and not typer.confirm(f"Erase all data of {account} {reference}? Nothing brings it back.", err=True):
        raise CommandError("Nothing was erased.")
    from vigil.cli.erase import erase_data

    erase_data(context.obj, account, reference, author=author, as_json=as_json)


def retention(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would go, and erase nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase what has been kept long enough now, and not at night. `[storage] keep` says how long that is."""
    from vigil.cli.retention import run_retention

    run_retention(context.obj, dry_run=dry_run, as_json=as_json)


@hold.callback()
def _hold() -> None:
    """Forbid to erase the data of a verification, such as during a lawsuit."""


@hold.command("place")
def place(
    context: typer.Context,
    account: AccountArgument,
    reference: WholeReferenceArgument,
    *,
    reason: Annotated[str, word_option("vigil.domain.hold", "HoldReason", "Why.")],
    until: Annotated[
        str | None, typer.Option(help="When it ends, such as 2031-01-01; by default when released.", metavar="TIME")
    ] = None,
    author: AuthorOption = AUTHOR,
) -> None:
    """Hold the data of a verification, or replace the hold that stands."""
    at = parse_time(until)
    if at is not None and at <= datetime.now(UTC):
        raise typer.BadParameter("The hold would have ended already.")
    from vigil.cli.erase import place_hold

    place_hold(context.obj, account, reference, reason=reason, author=author, until=at)


@hold.command("release")
def release(context: typer.Context, account: AccountArgument, reference: WholeReferenceArgument) -> None:
    """Release the hold on a verification."""
    from vigil.cli.erase import release_hold

    release_hold(context.obj, account, reference)
