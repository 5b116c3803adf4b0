"""Arguments that several commands take."""

from collections.abc import Iterable
from typing import Annotated

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
