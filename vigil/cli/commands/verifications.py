"""Commands about verifications."""

from pathlib import Path
from typing import Annotated

import typer

from vigil.cli.arguments import AccountArgument, ReferenceArgument, split_pairs, word_option
from vigil.cli.errors import CommandError


def track(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Name of the account.", metavar="ACCOUNT")] = None,
    references: Annotated[list[str] | None, typer.Argument(help="The provider's ids.", metavar="REFERENCE")] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="A file with one JSON object per line, as for POST /verifications.", metavar="KEYS.JSONL"),
    ] = None,
    coordinate: Annotated[
        list[str] | None,
        typer.Option(help="What else the provider needs to find it; repeatable.", metavar="NAME=VALUE"),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(help="One of the provider's senders, as `vigil accounts` lists them.", metavar="SENDER"),
    ] = None,
) -> None:
    """Register verifications that exist at a provider already. Repeating the command is safe.

    Exits with 0 if every verification is registered, else with 1.
    """
    if (file is None) == (account is None or not references):
        raise CommandError("Give either an account and references, or --file.")
    coordinates = split_pairs(coordinate or [], "--coordinate NAME=VALUE")
    from vigil.cli.track import parse_entry, read_entries, register_entries

    if file is not None:
        entries = list(read_entries(file))
    else:
        common = {"account": account, "coordinates": coordinates, "sender": sender}
        entries = [
            parse_entry(f"reference {number}", {**common, "reference": reference})
            for number, reference in enumerate(references or [], 1)
        ]
    raise typer.Exit(0 if register_entries(context.obj, entries) else 1)


def list_(
    context: typer.Context,
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need a person.")] = False,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those whose workflow task fails, or was ended in Temporal.")
    ] = False,
    stage: Annotated[str | None, word_option("vigil.domain.terms", "Stage", "Only those in this stage.")] = None,
    account: Annotated[str | None, typer.Option(help="Only those of this account.", metavar="ACCOUNT")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of verifications.")] = 50,
) -> None:
    """List verifications, the newest first. Needs no worker."""
    from vigil.cli.list import print_list
    from vigil.listing import Filters

    filters = Filters.model_validate({"stage": stage, "account": account, "stuck": stuck})
    print_list(context.obj, filters, attention=attention, limit=limit)


def show(context: typer.Context, account: AccountArgument, reference: ReferenceArgument) -> None:
    """Show the state of a verification, its timeline and its files."""
    from vigil.cli.show import print_verification

    print_verification(context.obj, account, reference)


def explain(context: typer.Context, account: AccountArgument, reference: ReferenceArgument) -> None:
    """Explain why a verification is pending, what happens next, and who must act. Needs no worker."""
    from vigil.cli.explain import print_explanation

    print_explanation(context.obj, account, reference)


def watch(context: typer.Context, account: AccountArgument, reference: ReferenceArgument) -> None:
    """Print a line for each change of a verification until it is concluded, or until Ctrl-C."""
    from vigil.cli.watch import watch_verification

    watch_verification(context.obj, account, reference)
