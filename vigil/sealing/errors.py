"""Errors of keys and of sealed contents. No text holds a key or a content.

SealingError
├── KeysetsNotOpened   the folder of the keysets cannot be used
│   └── KmsFailed      the KMS does not decrypt or encrypt a keyset
├── KeyNotHeld         this process was not given a keyset that it needs
├── UnknownKey         a content is sealed with a key that the keyset does not have
├── DataKeyForgotten   there is no data key for a content: it was erased
├── DataKeyUnreadable  a data key was changed, or moved from another place
├── ContentUnreadable  a content was changed, cut, or moved from another name
├── NotSealed          a content is stored in clear
└── RotationRefused    a keyset cannot be changed in that way now
"""

from pathlib import Path
from typing import Literal

from vigil.errors import VigilError


class SealingError(VigilError):
    """A content cannot be sealed or opened. Repeating the call does not help."""


class KeysetsNotOpened(SealingError):
    """A file of the folder, or the KMS, cannot be used. The text names the file or the URL, and the fix."""

    def __init__(self, file: Path | str, fix: str) -> None:
        super().__init__(f"The keys cannot be opened: {file}: {fix}.")


class KmsFailed(KeysetsNotOpened):
    """The KMS does not answer, refuses its key to this process, or did not encrypt this file."""

    def __init__(self, url: str, verb: Literal["encrypt", "decrypt"], keyset: str, reason: str) -> None:
        super().__init__(
            f"{keyset}.json",
            f"the KMS at {url} does not {verb} it ({reason}); see docs/runbook.md#a-kms-does-not-open-the-keysets",
        )
        self.reason = reason


class KeyNotHeld(SealingError):
    """This process was not given a keyset that it needs."""

    def __init__(self, keyset: str) -> None:
        super().__init__(f"This process does not have the keyset {keyset}: put {keyset}.json into [seal] folder.")


class UnknownKey(SealingError):
    """A content is sealed with a key that the keyset does not have."""

    def __init__(self, keyset: str, key_id: int) -> None:
        super().__init__(
            f"The keyset {keyset} has no key {key_id}: restore {keyset}.json from your copy, or see "
            "docs/runbook.md#a-key-leaked-or-is-lost."
        )
        self.keyset = keyset
        self.key_id = key_id


class DataKeyForgotten(SealingError):
    """There is no data key for a content, so nobody can read it: its verification was erased."""

    def __init__(self, place: str) -> None:
        super().__init__(f"There is no data key at keys/{place}: what is stored there was erased, or the key is lost.")


class DataKeyUnreadable(SealingError):
    """A data key was changed, or moved from another place."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The data key at keys/{place} was changed or moved: restore it from a backup.")


class ContentUnreadable(SealingError):
    """A content was changed, cut, moved from another name, or sealed with a data key that was forgotten."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The content at {name} was changed or moved, or its data key was forgotten.")


class NotSealed(SealingError):
    """A content is stored in clear."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The content at {name} is not sealed: set [seal] accept_plain while such contents exist.")


class RotationRefused(SealingError):
    """A keyset cannot be changed in that way now. The text says what to do first."""
