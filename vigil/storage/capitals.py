"""Names for disks that take `JOB` and `job` for one name: they would be two verifications in one folder."""

from pathlib import Path
from typing import Final

_MARK: Final = "!"
"""Is part of no storage name."""


def ignores_case(folder: Path) -> bool:
    """Return whether the disk takes capitals and small letters in the name of a folder for the same."""
    other = folder.with_name(folder.name.swapcase())
    return other.exists() and other.samefile(folder)


def hide_capitals(segment: str) -> str:
    """Return a name without capitals. Different names stay different: a mark and a number say where they were."""
    capitals = sum(1 << place for place, letter in enumerate(segment) if letter.isupper())
    return f"{segment.lower()}{_MARK}{capitals:x}" if capitals else segment


def show_capitals(entry: str) -> str:
    """Return the name that `hide_capitals` was given."""
    segment, mark, number = entry.partition(_MARK)
    if not mark:
        return entry
    capitals = int(number, 16)
    return "".join(letter.upper() if capitals >> place & 1 else letter for place, letter in enumerate(segment))
