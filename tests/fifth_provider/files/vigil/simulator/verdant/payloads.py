"""Verdant's JSON, about an invented person."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from vigil.simulator.files import File, picture

MARKERS: Final = {
    "name": "Thistlewaite-Oqvist",
    "first_name": "Umbraphine",
    "birth_date": "1911-04-31",
    "number": "VRD-CANARY-5520",
    "street": "4 Hollowfern Reach",
}
"""The invented person, in words that occur nowhere else, so that one in a log proves a leak."""

HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "verdant-notify/2"}

FILES: Final = {"card": "document", "face": "face"}
"""Files by name, with the part that they belong to."""


def callback(reference: str, *, part: str, verdict: str, token: str) -> dict[str, Any]:
    """Return the body of a callback."""
    return {"token": token, "inquiry": reference, "part": part, "verdict": verdict}


def inquiry(reference: str, verdicts: Mapping[str, str], *, base: str, link: str) -> dict[str, Any]:
    """Return an inquiry with the verdicts so far; `link` opens its files."""
    return {
        "inquiry": reference,
        "parts": {part: {"verdict": verdicts.get(part)} for part in ("document", "face")},
        "person": MARKERS,
        "files": [
            {
                "name": name,
                "link": f"{base}/files/{reference}/{name}?link={link}",
                "sha256": hashlib.sha256(file(reference, name).content).hexdigest(),
            }
            for name, part in FILES.items()
            if part in verdicts
        ],
    }


def file(reference: str, name: str) -> File:
    """Return a file's bytes."""
    return picture(f"{reference}/{name}")
