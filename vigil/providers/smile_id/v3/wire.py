"""The third generation's callbacks: proven by headers, and named by one."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.errors import CallbackRefused
from vigil.domain.terms import Outcome, as_word
from vigil.providers.contract import Callback, CallbackRequest, Coordinate, GenuineRequest
from vigil.providers.parsing import NotReadable, as_object, parse_json, unknown_names
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.signature import Signatures, proof_at
from vigil.providers.smile_id.v3 import vocabulary

SIGNATURE: Final = "response-signature"
TIMESTAMP: Final = "response-timestamp"
JOB_ID: Final = "job-id"

JOB_ID_PATTERN: Final = "job_[0-9a-hjkmnp-tv-z]{26}"
PRODUCT: Final = "product"
COORDINATES: Final = (
    Coordinate(
        name=PRODUCT,
        pattern="[a-z0-9_]{1,64}",
        description="what was bought, in the provider's spelling: of some products every job waits for a person",
        is_required=False,
    ),
)

_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_KNOWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(
        {
            "additional_documents",
            "antifraud",
            "completed_at",
            "consent",
            "created_at",
            "device_signals",
            "id_fields",
            "image_links",
            "kyc_receipt",
            "message",
            "no_of_persons_found",
            "partner_params",
            "people",
            "product",
            "reason",
            "status",
            "strict_match",
            "user_provided_info",
        }
    ),
    "image_links": frozenset(vocabulary.PICTURES),
    # What else is in it is the partner's own: its names are noted, its values are not.
    "partner_params": frozenset({"job_id", "user_id"}),
}


def prove_v3(signatures: Signatures, request: CallbackRequest) -> GenuineRequest:
    """Say how strongly a callback is proven: its headers never cover its body. Raises `CallbackRefused`."""
    presented, timestamp = request.headers.get(SIGNATURE), request.headers.get(TIMESTAMP)
    if not presented or not timestamp:
        raise CallbackRefused("missing_signature")
    if not signatures.fits(timestamp, presented):
        raise CallbackRefused("wrong_signature")
    return GenuineRequest(request=request, proof=proof_at(timestamp, request.received_at), kept_body=request.body)


def read_v3(body: bytes, headers: Mapping[str, str]) -> Callback:
    """Say what a callback says; what is not understood is `Unreadable`. Header names are lower case.

    Documents show no id in the body, and the header with it is known from integrators only (inferred). Without one
    the callback names no verification.
    """
    reference = job_id(headers.get(JOB_ID))
    try:
        told = as_object(parse_json(body))
    except NotReadable as error:
        return Callback(reference=reference, observation=Unreadable(why=error.why), sender=V3)
    observation = _seen(told)
    return Callback(
        reference=reference,
        observation=observation,
        identity=_identity(told, observation, headers),
        sender=V3,
        unknown_fields=unknown_names(told, _KNOWN_FIELDS),
    )


def job_id(raw: object) -> str | None:
    """Return the id of a job as a reference, or None for what has not the documented form."""
    return raw if isinstance(raw, str) and _JOB_ID.fullmatch(raw) else None


def _seen(told: Mapping[str, Any]) -> Observation:
    status = told.get("status")
    if not isinstance(status, str):
        return Unreadable(why="wrong_shape")
    return StatusSeen(
        word=as_word(status),
        code=as_word(told.get("reason")),
        looks=vocabulary.looks(status),
        ended=Outcome.FAILED if status == vocabulary.ERROR else None,
        part="whole",
    )


def _identity(told: Mapping[str, Any], observation: Observation, headers: Mapping[str, str]) -> str | None:
    """Tell deliveries apart. A replay is signed anew and has fresh links, so it is news: the time says so."""
    if not isinstance(observation, StatusSeen):
        return None
    said = [headers.get(JOB_ID), observation.word, observation.code, as_word(told.get(PRODUCT)), headers.get(TIMESTAMP)]
    return json.dumps(said, separators=(",", ":"))
