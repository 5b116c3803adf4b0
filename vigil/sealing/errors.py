"""Errors of keys and of sealed contents. No text holds a key or a content.

SealingError
├── KeysetsNotOpened   the folder of the keysets cannot be used
├── KeyNotHeld         this process was not given a keyset that it needs
└── UnknownKey         a content is sealed with a key that the keyset does not have
"""

from pathlib import Path

from vigil.errors import VigilError


class SealingError(VigilError):
    """A content cannot be sealed or opened. Repeating the call does not help."""


class KeysetsNotOpened(SealingError):
    """A file of the folder cannot be used. The text names the file and the fix."""

    def __init__(self, file: Path, fix: str) -> None:
        super().__init__(f"The keys cannot be opened: {file}: {fix}.")


class KeyNotHeld(SealingError):
    """This process was not given a keyset that it needs."""

    def __init__(self, keyset: str) -> None:
        super().__init__(f"This process does not have the keyset {keyset}: put {keyset}.json into [seal] folder.")


class UnknownKey(SealingError):
    """A content is sealed with a key that the keyset does not have."""

    def __init__(self, keyset: str, key_id: int) -> None:
        super().__init__(
            f"The keyset {keyset} has no key {key_id}: restore {keyset}.json from your copy, or see "
            "docs/runbook.md#a-key-is-lost."
        )
        self.keyset = keyset
        self.key_id = key_id
