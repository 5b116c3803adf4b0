"""Arguments that several commands take."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer

from vigil.cli.errors import CommandError

AccountArgument = Annotated[str, typer.Argument(help="Name of the account in the settings.", metavar="ACCOUNT")]
ReferenceArgument = Annotated[
    str, typer.Argument(help="The provider's id, or the digest that `vigil list` shows.", metavar="REFERENCE")
]


def split_pairs(pairs: Iterable[str], form: str) -> dict[str, str]:
    """Return names and values from texts of a form such as `NAME=VALUE`. Raises `CommandError`."""
    split = [pair.partition("=") for pair in pairs]
    if not all(separator for _, separator, _ in split):
        raise CommandError(f"Use the form {form}.")
    return {name: value for name, _, value in split}


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
