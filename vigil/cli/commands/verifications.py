"""Commands about verifications."""

from pathlib import Path
from typing import Annotated, Final

import typer

from vigil.cli.arguments import (
    AccountArgument,
    AuthorOption,
    JsonOption,
    ReferenceArgument,
    WholeReferenceArgument,
    parse_time,
    split_pairs,
    word_option,
)
from vigil.cli.errors import CommandError

evidence = typer.Typer(no_args_is_help=True)

TERMS: Final = "vigil.domain.terms"
TIME: Final = "TIME|AGE"
AUTHOR: Final = "operator"


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
    applicant: Annotated[str | None, typer.Option(help="The backend's own id of the applicant.", metavar="ID")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(help="An endpoint of the settings to notify; repeatable.", metavar="ENDPOINT")
    ] = None,
    as_json: JsonOption = False,
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
        common: dict[str, object] = {"account": account, "coordinates": coordinates, "sender": sender}
        common |= {"applicant": applicant, "notify": notify or []}
        entries = [
            parse_entry(f"reference {number}", {**common, "reference": reference})
            for number, reference in enumerate(references or [], 1)
        ]
    raise typer.Exit(0 if register_entries(context.obj, entries, as_json=as_json) else 1)


def backfill(
    context: typer.Context,
    *,
    account: Annotated[str, typer.Option(help="Name of the account in the settings.", metavar="ACCOUNT")],
    since: Annotated[str, typer.Option("--from", help="Ask for those created after this time.", metavar=TIME)],
    until: Annotated[
        str | None, typer.Option("--to", help="Ask for those created before this time; by default now.", metavar=TIME)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the differences, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """After an outage: compare the provider with what is known, and have read what differs.

    Reads every open verification of the account. If the provider has a list, also finds those that it created in the
    period and that nobody tracks. Repeating the command is safe, and so is ending it. Exits with 0 if nothing failed,
    else with 1.
    """
    begun, ended = parse_time(since), parse_time(until)
    from vigil.cli.backfill import build_period, fill

    period = build_period(begun, ended)
    raise typer.Exit(0 if fill(context.obj, account, period, dry_run=dry_run, as_json=as_json) else 1)


def list_(
    context: typer.Context,
    *,
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need a person.")] = False,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those whose workflow task fails, or was ended in Temporal.")
    ] = False,
    is_open: Annotated[
        bool | None, typer.Option("--open/--closed", help="Only those whose workflow runs, or does not.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only those of this account.", metavar="ACCOUNT")] = None,
    stage: Annotated[str | None, word_option(TERMS, "Stage", "Only those in this stage.")] = None,
    decision: Annotated[str | None, word_option(TERMS, "Decision", "Only those with this decision.")] = None,
    outcome: Annotated[str | None, word_option(TERMS, "Outcome", "Only those with this outcome.")] = None,
    reason: Annotated[
        str | None, word_option(TERMS, "Attention", "Only those that need a person for this reason.")
    ] = None,
    applicant: Annotated[
        str | None, typer.Option(help="Only those of this applicant: the backend's own id.", metavar="ID")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those that began after this time, or at most so long ago.", metavar=TIME)
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only those that began before this time, or at least so long ago.", metavar=TIME)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of verifications.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List verifications, the newest first. Needs no worker."""
    began = {"opened_after": parse_time(since), "opened_before": parse_time(until)}
    words = {"account": account, "stage": stage, "decision": decision, "outcome": outcome, "applicant": applicant}
    from vigil.cli.list import build_filters, print_list

    filters = build_filters({**words, **began, "attention": reason, "is_open": is_open, "stuck": stuck})
    print_list(context.obj, filters, attention=attention, limit=limit, as_json=as_json)


def show(
    context: typer.Context, account: AccountArgument, reference: ReferenceArgument, as_json: JsonOption = False
) -> None:
    """Show the state of a verification, its timeline and its files."""
    from vigil.cli.show import print_verification

    print_verification(context.obj, account, reference, as_json=as_json)


def explain(
    context: typer.Context, account: AccountArgument, reference: ReferenceArgument, as_json: JsonOption = False
) -> None:
    """Explain why a verification is pending, what happens next, and who must act. Needs no worker."""
    from vigil.cli.explain import print_explanation

    print_explanation(context.obj, account, reference, as_json=as_json)


def open_(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Only this account.", metavar="[ACCOUNT]")] = None,
    reference: Annotated[str | None, typer.Argument(help="This verification.", metavar="[REFERENCE]")] = None,
    browse: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the first page in a browser.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Print where the pages are, and open the first: of a verification, or of what needs a person.

    Links into Temporal's UI follow, for its saved views. They need `[temporal] ui`.
    """
    from vigil.cli.links import open_pages

    open_pages(context.obj, account, reference, browse=browse, as_json=as_json)


def watch(
    context: typer.Context, account: AccountArgument, reference: ReferenceArgument, as_json: JsonOption = False
) -> None:
    """Print a line for each change of a verification until it is concluded, or until Ctrl-C."""
    from vigil.cli.watch import watch_verification

    watch_verification(context.obj, account, reference, as_json=as_json)


def poll(
    context: typer.Context,
    account: AccountArgument,
    reference: ReferenceArgument,
    author: AuthorOption = AUTHOR,
    as_json: JsonOption = False,
) -> None:
    """Read a verification from the provider now."""
    from vigil.cli.command import send_command
    from vigil.temporal.messages import PollNow

    send_command(context.obj, account, reference, ("poll_now", PollNow(author=author)), as_json=as_json)


def withdraw(
    context: typer.Context,
    account: AccountArgument,
    reference: WholeReferenceArgument,
    author: AuthorOption = AUTHOR,
    as_json: JsonOption = False,
) -> None:
    """End a verification that nobody needs any more, without a decision."""
    from vigil.cli.command import send_command
    from vigil.temporal.messages import Withdraw

    send_command(context.obj, account, reference, ("withdraw", Withdraw(author=author)), as_json=as_json)


def resolve(
    context: typer.Context,
    account: AccountArgument,
    reference: WholeReferenceArgument,
    decision: Annotated[str, typer.Argument(help="approved, declined or inconclusive.", metavar="DECISION")],
    *,
    reason: Annotated[str, word_option(TERMS, "ReasonCode", "Why.")] = "other",
    author: AuthorOption = AUTHOR,
    as_json: JsonOption = False,
) -> None:
    """Decide a verification in the place of the provider."""
    from vigil.cli.command import send_command
    from vigil.domain.terms import Decision, ReasonCode
    from vigil.temporal.messages import Resolve

    known = [word.value for word in Decision]
    if decision not in known:
        raise typer.BadParameter(f"Use one of {', '.join(known)}.")
    command = Resolve(author=author, decision=Decision(decision), reason=ReasonCode(reason))
    send_command(context.obj, account, reference, ("resolve", command), as_json=as_json)


def deadline(
    context: typer.Context,
    account: AccountArgument,
    reference: ReferenceArgument,
    at: Annotated[str, typer.Argument(help="The new deadline, such as 2026-03-01T12:00Z.", metavar="TIME")],
    author: AuthorOption = AUTHOR,
    as_json: JsonOption = False,
) -> None:
    """Move our deadline for a verification."""
    until = parse_time(at)
    from vigil.cli.command import send_command
    from vigil.temporal.messages import ExtendDeadline

    command = ExtendDeadline.model_validate({"author": author, "deadline_at": until})
    send_command(context.obj, account, reference, ("extend_deadline", command), as_json=as_json)


@evidence.callback()
def _evidence() -> None:
    """Read the files of a verification."""


@evidence.command("get")
def get_evidence(
    context: typer.Context,
    account: AccountArgument,
    reference: ReferenceArgument,
    names: Annotated[list[str] | None, typer.Argument(help="Files; by default all.", metavar="NAME")] = None,
    to: Annotated[Path, typer.Option(help="The folder for the files.", metavar="FOLDER")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write stored files to a folder, readable by you alone. They are personal data."""
    from vigil.cli.evidence import download_files
    from vigil.cli.formatting import print_json

    paths = [str(path) for path in download_files(context.obj, account, reference, names or [], to)]
    if as_json:
        print_json(paths)
    else:
        print(*paths, sep="\n" if paths else "")


def export(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Name of the account.", metavar="ACCOUNT")] = None,
    reference: Annotated[str | None, typer.Argument(help="The provider's id.", metavar="REFERENCE")] = None,
    *,
    to: Annotated[Path | None, typer.Option(help="The file to write.", metavar="FILE.zip")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Only check an export against its manifest.", metavar="FILE.zip")
    ] = None,
) -> None:
    """Write what is stored of a verification to a zip: for the person's own request. It is personal data.

    The digests in its `manifest.json` are checked before the file gets its name.
    """
    from vigil.cli import export as exports

    if check is not None:
        exports.check(check)
        print("complete and unchanged")
    elif account is None or reference is None or to is None:
        raise CommandError("Give an account, a reference and --to FILE.zip, or --check FILE.zip.")
    else:
        exports.export(context.obj, account, reference, to)
        print(to)
