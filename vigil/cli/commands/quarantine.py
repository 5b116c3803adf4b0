"""Commands about callbacks that belong to no verification."""

from typing import Annotated

import typer

from vigil.cli.arguments import AccountArgument, JsonOption, ReferenceArgument

quarantine = typer.Typer(no_args_is_help=True)

ReceiptArgument = Annotated[str, typer.Argument(help="The name that `vigil quarantine list` shows.", metavar="RECEIPT")]


@quarantine.callback()
def _group() -> None:
    """Look at callbacks that belong to no verification, and hand them on."""


@quarantine.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of callbacks.")] = 50,
    before: Annotated[
        str | None, typer.Option(help="Only those that were received before this one.", metavar="RECEIPT")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List quarantined callbacks, the newest first."""
    from vigil.cli.quarantine import print_quarantined

    print_quarantined(context.obj, limit, before, as_json=as_json)


@quarantine.command()
def show(
    context: typer.Context,
    receipt: ReceiptArgument,
    body: Annotated[bool, typer.Option("--body", help="Print the body alone, which may be personal.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is stored of one callback."""
    from vigil.cli.quarantine import print_receipt

    print_receipt(context.obj, receipt, body=body, as_json=as_json)


@quarantine.command()
def attach(
    context: typer.Context, receipt: ReceiptArgument, account: AccountArgument, reference: ReferenceArgument
) -> None:
    """Give a callback to a verification that is known."""
    from vigil.cli import quarantine as callbacks

    callbacks.attach(context.obj, receipt, account, reference)


@quarantine.command()
def reread(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Only those of this account.", metavar="ACCOUNT")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would happen, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read all callbacks again, after a reader was corrected, and hand on those that name a verification now."""
    from vigil.cli import quarantine as callbacks

    callbacks.reread(context.obj, account, dry_run=dry_run, as_json=as_json)
