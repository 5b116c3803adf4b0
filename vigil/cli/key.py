"""`vigil key`: make keys for backends."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from vigil.cli.errors import CommandError
from vigil.config.keys import hash_key, make_key
from vigil.domain.terms import Name

key = typer.Typer(no_args_is_help=True)


@key.callback()
def _group() -> None:
    """Make keys for backends."""


@key.command()
def new(name: Annotated[str, typer.Argument(help="The name of the backend.", metavar="NAME")]) -> None:
    """Print a new key and the line for the settings, which holds its hash.

    Nothing is stored: give the key to the backend, and keep no copy.
    """
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise CommandError("A backend's name has small letters, digits and hyphens.") from None
    secret = make_key()
    print(f"key       {secret}")
    print(f'settings  [api] keys = [{{ name = "{name}", secret_hash = "{hash_key(secret)}" }}]')
