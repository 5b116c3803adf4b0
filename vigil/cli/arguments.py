"""Arguments that several commands take."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from vigil.cli.errors import CommandError

AccountArgument = Annotated[str, typer.Argument(help="Name of the account in the settings.", metavar="ACCOUNT")]
ReferenceArgument = Annotated[
    str,
    typer.Argument(
        help="The provider's id, the digest that `vigil list` shows, or the start of either.", metavar="REFERENCE"
    ),
]
WholeReferenceArgument = Annotated[
    str,
    typer.Argument(
        help="The provider's id, or the digest that `vigil list` shows; the start is not enough.", metavar="REFERENCE"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
AuthorOption = Annotated[str, typer.Option("--author", help="Who commands it; the timeline shows it.", metavar="NAME")]


def split_pairs(pairs: Iterable[str], form: str) -> dict[str, str]:
    """Return names and values from texts of a form such as `NAME=VALUE`. Raises `CommandError`."""
    split = [pair.partition("=") for pair in pairs]
    if not all(separator for _, separator, _ in split):
        raise CommandError(f"Use the form {form}.")
    return {name: value for name, _, value in split}


def parse_time(given: str | None) -> datetime | None:
    """Return a time: `2026-03-01T12:00Z`, or an age such as `90m`, `12h` or `7d`. Raises `typer.BadParameter`."""
    if given is None:
        return None
    if age := re.fullmatch(r"(\d{1,6})([mhd])", given):
        return datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter("Use a time such as 2026-03-01T12:00Z, or an age such as 90m, 12h or 7d.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def word_option(module: str, words: str, help_: str) -> Any:
    """Return an option that takes a word of a closed list: an enum of a module.

    The module is imported when a word is given or completed, since it is slow.
    """

    def find_words() -> list[str]:
        return [word.value for word in getattr(import_module(module), words)]

    def check(given: str | None) -> str | None:
        if given is not None and given not in (known := find_words()):
            near = get_close_matches(given, known, n=1)
            raise typer.BadParameter(f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(known)}.")
        return given

    def complete(incomplete: str) -> list[str]:
        return [word for word in find_words() if word.startswith(incomplete)]

    return typer.Option(callback=check, autocompletion=complete, help=help_, metavar=words.upper())
