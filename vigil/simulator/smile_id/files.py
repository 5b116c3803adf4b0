"""The pictures and papers of a job."""

from collections.abc import Mapping
from typing import Final

from vigil.simulator.files import File, photograph, picture
from vigil.simulator.smile_id.scenario import Generation, SmileIdScenario

_DOCUMENTS: Final = frozenset({6, 11})
_SELFIES: Final = frozenset({1, 2, 4, 8, 9}) | _DOCUMENTS
_DOCUMENT_PRODUCTS: Final = frozenset(
    {"document_verification", "enhanced_document_verification", "residency_document_verification"}
)
RECEIPTS: Final[Mapping[int, str]] = {6: "kyc_receipt", 7: "kyb_receipt", 11: "kyc_receipt"}
"""By job type, the receipt of the first generation."""


def image_names(scenario: SmileIdScenario) -> tuple[str, ...]:
    """Return the names that the job's links to pictures have; the two generations spell one differently."""
    if scenario.generation is Generation.V3:
        is_document = scenario.product in _DOCUMENT_PRODUCTS
        return ("selfie_image", "id_card_image", "id_card_back_image") if is_document else ()
    if scenario.job_type in _DOCUMENTS:
        return ("selfie_image", "id_card_image", "id_card_back")
    return ("selfie_image",) if scenario.job_type in _SELFIES else ()


def file_of(scenario: SmileIdScenario, job: str, name: str) -> File | None:
    """Return a file of a job; None: it has none of this name."""
    if name in image_names(scenario):
        return photograph(f"{job}/{name}")
    is_v3 = scenario.generation is Generation.V3
    papers = ("kyc_receipt",) if is_v3 else (RECEIPTS.get(scenario.job_type), "search_certificate")
    return _paper(f"{job}/{name}") if name in papers else None


def photo(job: str, size: int | None) -> bytes:
    """Return the authority's photo of the person, of that many bytes."""
    content = picture(f"{job}/photo").content
    return content if size is None else content[:size].ljust(size, b"\0")


def _paper(name: str) -> File:
    """Return a page that says what it is of; no source tells which form receipts have."""
    return File(f"%PDF-1.4\n% {name}\n%%EOF\n".encode(), "application/pdf")
