"""Commands about the keys that seal what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from vigil.cli.arguments import JsonOption

keys = typer.Typer(no_args_is_help=True)

Keyset = Annotated[str, typer.Argument(help="data-keys, payloads, marks or receipts.", metavar="KEYSET")]
NewFolder = Annotated[Path, typer.Argument(help="A folder without keysets.", metavar="FOLDER")]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="By default that of the settings.", metavar="FOLDER", show_default=False)
]
KMS = "URL of the key that encrypts them: aws-kms://, gcp-kms:// or hcvault://."
Kms = Annotated[str | None, typer.Option("--kms", help=KMS, metavar="URL", show_default=False)]
FolderKms = Annotated[
    str | None,
    typer.Option("--kms", help="With --folder: the URL for its keysets.", metavar="URL", show_default=False),
]


@keys.callback()
def _keys() -> None:
    """Make and look after the keys that seal what is stored. `vigil key` makes those of backends."""


@keys.command()
def new(folder: NewFolder, kms: Kms = None) -> None:
    """Make all keysets in a folder, for `[seal] folder`. Keep a copy elsewhere: without it everything is lost.

    With --kms a KMS encrypts the files, and `[seal] kms` has the same URL.
    """
    from vigil.cli.keys import make_new_keysets

    print(make_new_keysets(folder, kms))


@keys.command()
def copy(context: typer.Context, to: NewFolder, kms: Kms = None) -> None:
    """Copy the keysets of the settings to a new folder, encrypted by another KMS; without --kms in clear.

    So an installation begins to use a KMS, changes its key, or leaves it. Nothing is sealed anew.
    """
    from vigil.cli.keys import copy_to

    print(copy_to(context.obj, to, kms))


@keys.command("list")
def list_(context: typer.Context, folder: Folder = None, kms: FolderKms = None, as_json: JsonOption = False) -> None:
    """List the keys of every keyset: which one seals, which one waits, and which ones only open."""
    from vigil.cli.keys import Place, print_keys

    print_keys(context.obj, Place(folder, kms), as_json=as_json)


@keys.command()
def rotate(
    context: typer.Context,
    keyset: Keyset,
    use: Annotated[bool, typer.Option("--use", help="Let the added key seal. Every process must have it.")] = False,
    folder: Folder = None,
    kms: FolderKms = None,
) -> None:
    """Add a key to a keyset: it opens at once, and seals after a second call with --use.

    Give the file to every process in between. A process reads it again by itself when it was replaced.
    """
    from vigil.cli.keys import Place, rotate_key

    print(rotate_key(context.obj, Place(folder, kms), keyset, use=use))


@keys.command()
def rewrap(context: typer.Context) -> None:
    """Wrap every data key with the key of `data-keys` that seals now. No content is read or written.

    May be repeated, also after it was interrupted, and while everything runs.
    """
    from vigil.cli.keys import rewrap_data_keys

    print(rewrap_data_keys(context.obj))


@keys.command()
def seal(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what is in clear.")] = False,
) -> None:
    """Seal what was stored in clear, before there were keys. `[seal] accept_plain` must be set meanwhile.

    May be repeated, also after it was interrupted, and while everything runs.
    """
    from vigil.cli.keys import seal_what_is_in_clear

    print(seal_what_is_in_clear(context.obj, dry_run=dry_run))


@keys.command()
def drop(
    context: typer.Context,
    keyset: Keyset,
    key_id: Annotated[int, typer.Argument(help="As `vigil keys list` shows it.", metavar="KEY")],
    folder: Folder = None,
    kms: FolderKms = None,
) -> None:
    """Remove a key that no longer seals. What it sealed cannot be read from then on.

    A key of `data-keys` is removed only after `rewrap`, when it wraps nothing any more.
    """
    from vigil.cli.keys import Place, drop_old_key

    print(drop_old_key(context.obj, Place(folder, kms), keyset, key_id))
