"""What the campaign saw itself: every callback with its answer, and every message, notification and file."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True)
class Attempt:
    """One callback on its way to the API. `status` is None where the API gave no whole answer."""

    account: str
    sent_at: datetime
    answered_at: datetime
    status: int | None
    body: bytes
    forged: str | None = None
    faults: tuple[str, ...] = ()
    """The faults that were under way while it was answered."""

    @property
    def took(self) -> float:
        """Seconds until the answer."""
        return (self.answered_at - self.sent_at).total_seconds()

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and httpx.codes.is_success(self.status)


class Journal:
    """Lines of JSON in a file. A line is in the file before `write` returns, so a kill of the process loses none."""

    def __init__(self, file: Path) -> None:
        """Take the file; it is created with the first line."""
        self._file = file

    def write(self, entry: Mapping[str, Any]) -> None:
        """Append an entry, with the time."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **entry}) + "\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[dict[str, Any]]:
        """Return all entries; none if nothing was written."""
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


@dataclass(frozen=True)
class Disturbance:
    """One fault: what was done, at which moment, and how long it and the recovery took, in seconds."""

    what: str
    target: str
    moment: str
    began_at: datetime
    lasted: float
    recovered_in: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it for the report."""
        return {**asdict(self), "began_at": self.began_at.isoformat()}
