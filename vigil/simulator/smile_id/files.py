"""The files of a job, and the signed links that open them for a while."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

from vigil.simulator.clock import Clock
from vigil.simulator.files import File, photograph, picture
from vigil.simulator.smile_id.scenario import Generation, SmileIdScenario

STORAGE: Final = "/smile_id/storage"
DOCUMENTS: Final = frozenset({6, 11})
"""The job types that examine a document."""
_SELFIES: Final = frozenset({1, 2, 4, 8, 9}) | DOCUMENTS
RECEIPTS: Final[Mapping[int, str]] = {6: "kyc_receipt", 7: "kyb_receipt", 11: "kyc_receipt"}
"""By job type, the receipt of the first generation."""

Link = Callable[[str], str]
"""Returns a link to a file of the job by its name."""


def image_names(scenario: SmileIdScenario) -> tuple[str, ...]:
    """Return the names of the job's images; the two generations spell one differently."""
    if scenario.generation is Generation.V3:
        return ("selfie_image", "id_card_image", "id_card_back_image")
    if scenario.job_type in DOCUMENTS:
        return ("selfie_image", "id_card_image", "id_card_back")
    return ("selfie_image",) if scenario.job_type in _SELFIES else ()


def file_of(scenario: SmileIdScenario, job: str, name: str) -> File | None:
    """Return a file of a job; None: it has no file of this name."""
    if name in image_names(scenario):
        return photograph(f"{job}/{name}")
    is_v3 = scenario.generation is Generation.V3
    papers = ("kyc_receipt",) if is_v3 else (RECEIPTS.get(scenario.job_type), "search_certificate")
    # The format of receipts is unknown.
    return File(f"%PDF-1.4\n% {job}/{name}\n%%EOF\n".encode(), "application/pdf") if name in papers else None


def photo(job: str, size: int | None) -> bytes:
    """Return the ID authority's photo of the person, of so many bytes."""
    content = picture(f"{job}/photo").content
    return content if size is None else content[:size].ljust(size, b"\0")


class Links:
    """Makes and checks links, on contract time; each is valid for at least a second of real time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def link(self, address: str, job: str, name: str, *, live_for: timedelta) -> str:
        """Return a link to a file of a job; with a negative `live_for` it has expired already."""
        life = live_for if live_for < timedelta(0) else self._clock.patience(live_for) * self._clock.scale
        expires = f"{(self._clock.now() + life).total_seconds():.3f}"
        query = urlencode({"expires": expires, "signature": self._sign(job, name, expires)})
        return f"{address}{STORAGE}/{quote(job)}/{name}?{query}"

    def is_valid(self, job: str, name: str, query: Mapping[str, str]) -> bool:
        """Return whether the query of a link has our signature and has not expired."""
        expires = query.get("expires", "")
        if not hmac.compare_digest(self._sign(job, name, expires).encode(), query.get("signature", "").encode()):
            return False
        return self._clock.now() < timedelta(seconds=float(expires))

    def _sign(self, job: str, name: str, expires: str) -> str:
        return hmac.digest(self._secret, f"{job}/{name}/{expires}".encode(), hashlib.sha256).hex()
