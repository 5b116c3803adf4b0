"""`vigil key`: make keys for backends."""

from pydantic import TypeAdapter, ValidationError

from vigil.cli.errors import CommandError
from vigil.cli.formatting import print_json
from vigil.config.keys import hash_key, make_key
from vigil.domain.terms import Name


def print_new_key(name: str, *, as_json: bool) -> None:
    """Print a new key and the line for the settings, which holds its hash. Raises `CommandError` for another name."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise CommandError("A backend's name has small letters, digits and hyphens.") from None
    secret = make_key()
    if as_json:
        print_json({"name": name, "key": secret, "secret_hash": hash_key(secret)})
        return
    print(f"key       {secret}")
    print(f'settings  [api] keys = [{{ name = "{name}", secret_hash = "{hash_key(secret)}" }}]')
