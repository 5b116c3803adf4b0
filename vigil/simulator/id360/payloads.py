"""ID360's JSON, written from its documents and its observed traffic, about an invented person."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.simulator.files import File, picture, video

MARKERS: Final = {
    "name": "Quorvathsson",
    "first_name": "Zyxelinda",
    "birth_name": "Oakumfeather",
    "email": "zyxelinda.canary@example.invalid",
    "address": "77 Plinthmoor Crossing",
    "zip_code": "ZQ9-7731",
    "city": "Brackenfold-sur-Nulle",
    "phone_number": "+99977310042",
    "birth_date": "1907-10-29",
    "birth_place": "Upper Wexmarsh",
    "id_number": "XQ7731CANARY",
    "mrz_line_1": "IDZZZQUORVATHSSON<<<<<<<<<<<<<<<<<<<",
    "mrz_line_2": "XQ7731CANARYZYXELINDA<<0710290F4",
}
"""The invented person, in words that occur nowhere else, so that one in a log proves a leak."""

# The caller is Python; its version is the observed one.
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "python-requests/2.28.2"}

STEPS: Final = ("id_document", "fake_photo_id", "image_forensics", "facecomparison", "liveness", "liveness", "otp")

# The document slots that a step examines. `$` is followed by a number that counts the steps of this kind.
_SLOTS: Final = {
    "id_document": ("id_document_image",),
    "fake_photo_id": ("id_document_image",),
    "image_forensics": ("id_document_image",),
    "facecomparison": ("id_document_image", "selfie_image"),
    "liveness": ("liveness_video$",),
}
# Two sides of a card are two pages of one slot.
_PAGES: Final = {"id_document_image": 2}
_KINDS: Final = {"id_document_image": "identity_document", "selfie_image": "selfie", "liveness_video": "liveness"}
_CODES: Final = {"KO": "VLD_VALIDATION_KO", "FAILED": "ERL_TIMEOUT"}
"""By status, the reason code of the report."""


def _slots(index: int) -> list[str]:
    number = STEPS[:index].count(STEPS[index])
    return [f"{slot}{number}" if slot.endswith("$") else slot for slot in _SLOTS.get(STEPS[index], ())]


def page(reference: int, slot: str, number: int) -> File:
    """Return the file of one page of a document slot."""
    name = f"{reference}/{slot}/{number}"
    return video(name) if "video" in slot else picture(name)


def documents(reference: int, done: int) -> dict[int, tuple[str, int]]:
    """Return the documents after `done` steps, by id: slot and number of pages."""
    collected = dict.fromkeys(slot for index in range(done) for slot in _slots(index))
    return {reference * 100 + position: (slot, _PAGES.get(slot, 1)) for position, slot in enumerate(collected, start=1)}


def callback(reference: int, status: str, reason: str | None, *, done: int) -> dict[str, Any]:
    """Return the body of a callback that counts `done` steps.

    No sample of a final callback is known. It keeps the types of the intermediate ones, and by ID360's own rule it
    counts all steps as done, also where some never ran.
    """
    counts = {"done": done, "total": len(STEPS)}
    return {"id": reference, "status": status, "reason": reason, "steps_status": counts}


def enrollment_step(step: int) -> dict[str, Any]:
    """Return what a callback says of the step with this number, counted from 1."""
    return {
        "status": "OK",
        "errors": [],
        "type": "InternalDoNotUse",
        "reason": "",
        "name": STEPS[step - 1],
        "documents": _slots(step - 1),
    }


def _time(moment: datetime) -> str:
    """Return a time as version 2 writes it: UTC, microseconds, no zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def enrollment(reference: int, client_reference: str | None, *, created_at: datetime) -> dict[str, Any]:
    """Return the answer to a creation."""
    return {
        "url": f"/private/enrollment/{reference}",
        "id": reference,
        "process": 4021,
        "api_key": secrets.token_hex(64),
        "callback_url": None,
        "browser_callback_url": None,
        "client_reference": client_reference,
        "status": "NEW",
        "reason": None,
        "creation_time": _time(created_at),
        "starting_time": None,
        "finished_time": None,
    }


@dataclass(frozen=True)
class Report:
    """A report of version 2."""

    reference: int
    client_reference: str | None
    status: str
    reason: str | None
    done: int
    created_at: datetime

    def body(self, base: str) -> dict[str, Any]:
        """Return its JSON; `base` is the address before `/api/`, for the links to the files."""
        is_final = self.status not in {"NEW", "STARTED", "UP", "SP"}
        codes = [{"code": code, "message": self.reason or code} for code in [_CODES.get(self.status)] if code]
        body: dict[str, Any] = {
            "version": 2,
            "environment": "PREPROD",
            "id": self.reference,
            "status": self.status,
            "identity_status": self.status,
            "status_codes": codes,
            "all_status_codes": [{"status_code": code, "where": "ID360"} for code in codes],
            "creation_time": _time(self.created_at),
            "starting_time": None if self.status == "NEW" else _time(self.created_at + timedelta(seconds=1)),
            "finished_time": _time(self.created_at + timedelta(seconds=2)) if is_final else None,
            "process_id": 4021,
            "process_name": "simulated",
            "client_reference": self.client_reference,
            "level": "LOW",
            "id_verification_service": "SVID_ID360",
            "uses_biometry": True,
            "steps": dict(self._steps()),
            "documents": self._documents(base),
        }
        if self.reason is not None:
            body["reason"] = self.reason
        if self.status == "OK":
            body |= {"identity": _identity(), "extracted_data": {"identity": [_extracted()]}}
        return body

    def _steps(self) -> Iterator[tuple[str, dict[str, str]]]:
        for index, name in enumerate(STEPS[: self.done]):
            is_repeated = STEPS.count(name) > 1
            yield (f"{name}${STEPS[:index].count(name)}" if is_repeated else name), {"status": "OK"}

    def _documents(self, base: str) -> dict[str, list[dict[str, Any]]]:
        kinds: dict[str, list[dict[str, Any]]] = {}
        status = {"OK": "VALID", "KO": "INVALID"}.get(self.status, "COLLECTED")
        for document, (slot, pages) in documents(self.reference, self.done).items():
            files = [
                {
                    "url": f"{base}/api/1.0.0/document/{document}/file_contents/?page_number={number}",
                    "hash": page(self.reference, slot, number).md5,
                    "hash_algorithm": "MD5",
                }
                for number in range(pages)
            ]
            row = {"name": slot, "status": status, "files": files}
            kinds.setdefault(_KINDS[slot.partition("$")[0]], []).append(row)
        return kinds


def _identity() -> dict[str, Any]:
    known = {key: value for key, value in MARKERS.items() if key not in {"id_number", "mrz_line_1", "mrz_line_2"}}
    return known | {
        "first_names": [MARKERS["first_name"]],
        "country": "ZZ",
        "gender": "F",
        "birth_country": "ZZ",
    }


def _extracted() -> dict[str, Any]:
    person = ("name", "first_name", "birth_date", "birth_place")
    return {
        "type": "IDENTITY_DOCUMENT",
        **{key: MARKERS[key] for key in person},
        "first_names": [MARKERS["first_name"]],
        "gender": "F",
        "extra": {
            "from_files": ["id_document_image"],
            "id_number": MARKERS["id_number"],
            "issuing_date": "2029-01-05",
            "expiration_date": "2039-01-05",
            "mrz_line_1": MARKERS["mrz_line_1"],
            "mrz_line_2": MARKERS["mrz_line_2"],
        },
    }
