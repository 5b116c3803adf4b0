"""Erasures and holds of the fake."""

import json
import re
from datetime import datetime
from typing import Final

import httpx

from vigil_client.models import Erasure, Hold
from vigil_client.testing.refusals import Refused
from vigil_client.testing.verification import FakeVerification, revision_of
from vigil_client.words import Outcome

ERASURE: Final = re.compile(r"/verifications/([^/]+)/(.+)/(data|erasure|hold)")


def answer_erasure(
    verification: FakeVerification, part: str, request: httpx.Request, *, now: datetime
) -> httpx.Response:
    """Answer one request. Raises `Refused`."""
    match request.method, part:
        case "DELETE", "data":
            return _json(_erase(verification, now))
        case "GET", "erasure":
            return _json(verification.erasure, "not_erased")
        case "PUT", "hold":
            return _json(_hold(verification, request, now))
        case "GET", "hold":
            return _json(verification.hold, "not_held")
        case "DELETE", "hold":
            verification.hold = None
            return httpx.Response(204)
        case _:
            raise Refused(405, "no_such_method")


def _erase(verification: FakeVerification, now: datetime) -> Erasure:
    if verification.hold is not None and (verification.hold.until is None or now < verification.hold.until):
        raise Refused(409, "data_on_hold")
    if verification.outcome is None:
        verification.revise(revision_of(len(verification.revisions) + 1, now, Outcome.WITHDRAWN))
    return verification.erasure or verification.erase(now)


def _hold(verification: FakeVerification, request: httpx.Request, now: datetime) -> Hold:
    if verification.erasure is not None:
        raise Refused(410, "data_erased")
    verification.hold = Hold.model_validate(
        {"until": None, **json.loads(request.content), "author": "local", "placed_at": now}
    )
    return verification.hold


def _json(model: Erasure | Hold | None, code_if_none: str = "") -> httpx.Response:
    if model is None:
        raise Refused(404, code_if_none)
    return httpx.Response(200, content=model.model_dump_json().encode(), headers={"content-type": "application/json"})
