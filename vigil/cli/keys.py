"""`vigil keys`: the keysets of an installation."""

from pathlib import Path

from vigil.cli.errors import CommandError
from vigil.sealing.keysets import KeysetName, make_keysets


def make_new_keysets(folder: Path) -> str:
    """Make keysets in a folder. Return a sentence that names them. Raises `CommandError` if there is one already."""
    try:
        make_keysets(folder)
    except FileExistsError:
        raise CommandError(f"{folder} has keysets already: keys in use are never replaced.") from None
    except OSError as error:
        raise CommandError(f"{folder} cannot be written ({type(error).__name__}).") from None
    return f"{folder}: made {', '.join(KeysetName)}. Keep a copy outside this installation."
