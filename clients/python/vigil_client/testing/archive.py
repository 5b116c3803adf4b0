"""The export of the fake."""

import hashlib
import io
import json
import mimetypes
import zipfile
from collections.abc import Sequence

from vigil_client.exports import MANIFEST
from vigil_client.models import Model, OwedNotification, Timeline
from vigil_client.testing.verification import FakeVerification


def build_export(verification: FakeVerification, timeline: Timeline, owed: Sequence[OwedNotification]) -> bytes:
    """Return a zip with what the fake has of a verification, and its manifest."""
    held = {
        "notifications.json": json.dumps([each.model_dump(mode="json") for each in owed]).encode(),
        "timeline.json": timeline.model_dump_json().encode(),
    }
    view, claims = verification.view(), verification.claims()
    documents: dict[str, Model | None] = {"record.json": view.record, "claims.json": claims}
    held |= {name: each.model_dump_json().encode() for name, each in documents.items() if each is not None}
    if verification.result is not None:
        held["results/1.json"] = json.dumps(verification.result).encode()
    for row, content in verification.files.values():
        if content:
            ending = mimetypes.guess_extension(row.media_type or "") or ""
            held[f"files/{row.name}{ending}"] = content
    entries = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in held.items()
    ]
    manifest = {"version": 1, "account": verification.account, "reference": verification.reference}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
        archive.writestr(MANIFEST, json.dumps({**manifest, "entries": entries, "missing": []}))
    return written.getvalue()
