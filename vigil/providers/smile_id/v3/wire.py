"""Proves and reads the callbacks of the third generation. Headers hold the proof and the job's id."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from vigil.domain.callback_event import Observation, StatusSeen, Unreadable
from vigil.domain.errors import ADDRESS_NOT_ALLOWED, CallbackRefused, ProviderRefusesUs
from vigil.domain.terms import Outcome, as_word
from vigil.providers.contract import Callback, CallbackRequest, Coordinate, GenuineRequest, event_identity
from vigil.providers.parsing import NotReadable, as_object, as_text, parse_json, unknown_names
from vigil.providers.smile_id.senders import V3
from vigil.providers.smile_id.signature import Signatures, prove_signed
from vigil.providers.smile_id.v3 import vocabulary
from vigil.providers.smile_id.v3.details import Details
from vigil.providers.transport import HttpAnswer

SIGNATURE: Final = "response-signature"
TIMESTAMP: Final = "response-timestamp"
JOB_ID: Final = "job-id"

JOB_ID_PATTERN: Final = "job_[0-9a-hjkmnp-tv-z]{26}"
PRODUCT: Final = "product"
COORDINATES: Final = (
    Coordinate(
        name=PRODUCT,
        pattern="[a-z0-9_]{1,64}",
        description="the product, in the provider's spelling: a person reviews every job of some products",
        is_required=False,
    ),
)

_JOB_ID: Final = re.compile(JOB_ID_PATTERN)
_PARTNERS_ID: Final = re.compile("[A-Za-z0-9_-]{1,64}")
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
    # `partner_params` holds names of the partner's own, so none of them is unknown.
}


def prove_v3(signatures: Signatures, request: CallbackRequest) -> GenuineRequest:
    """Prove a callback by its headers, which never cover the body. Raises `CallbackRefused`."""
    presented, timestamp = request.headers.get(SIGNATURE), request.headers.get(TIMESTAMP)
    if not presented or not timestamp:
        raise CallbackRefused("missing_signature")
    if not signatures.verify(timestamp, presented):
        raise CallbackRefused("wrong_signature")
    names = request.headers.get(JOB_ID) or request.correlation or ""
    return prove_signed(request, timestamp, presented, kept_body=request.body, names=names)


def read_v3(body: bytes, headers: Mapping[str, str]) -> Callback:
    """Return the event that a callback reports; `Unreadable` for a body that we do not understand.

    Documents show no id in the body. The header with the id is known from integrators only (inferred). Without it the
    callback names no verification.
    """
    reference, own_id = job_id(headers.get(JOB_ID)), partners_id(headers.get(JOB_ID))
    try:
        content = as_object(parse_json(body))
    except NotReadable as error:
        unreadable = Unreadable(why=error.why)
        return Callback(reference=reference, observation=unreadable, sender=V3, other_reference=own_id)
    observation, details = _observe(content), Details(content)
    return Callback(
        reference=reference,
        other_reference=own_id,
        observation=observation,
        identity=_identity(content, observation, headers),
        sender=V3,
        details=details.identity() if isinstance(observation, StatusSeen) else None,
        topic="monitoring" if details.is_update else None,
        unknown_fields=unknown_names(content, _KNOWN_FIELDS),
    )


def refusal_of(answer: HttpAnswer) -> ProviderRefusesUs:
    """Return the error of an answer that refuses us: the account's list of addresses may lack ours (D)."""
    try:
        message = as_object(parse_json(answer.content)).get("message")
    except NotReadable:
        message = None
    is_unlisted = answer.status == httpx.codes.FORBIDDEN and "allowlist" in str(message).lower()
    return ProviderRefusesUs(ADDRESS_NOT_ALLOWED if is_unlisted else f"http_{answer.status}")


def job_id(raw: object) -> str | None:
    """Return the id of a job as a reference; None if it has not the documented form."""
    text = (as_text(raw) or "").lower()
    return text if _JOB_ID.fullmatch(text) else None


def partners_id(raw: object) -> str | None:
    """Return an id that the partner has chosen, as monitoring of watchlists uses it (D); None if it has another form.

    unknown: whether a callback's header has this form. It becomes part of an address, so its letters are limited.
    """
    text = as_text(raw) or ""
    return text if _PARTNERS_ID.fullmatch(text) and job_id(text) is None else None


def _observe(content: Mapping[str, Any]) -> Observation:
    status = content.get("status")
    if not isinstance(status, str):
        return Unreadable(why="wrong_shape")
    return StatusSeen(
        word=as_word(status),
        code=as_word(content.get("reason")),
        looks=vocabulary.looks(status),
        ended=Outcome.FAILED if status == vocabulary.ERROR else None,
        part="whole",
    )


def _identity(content: Mapping[str, Any], observation: Observation, headers: Mapping[str, str]) -> str | None:
    """Return the identity. A replay has a new time and new links, so it counts as another event."""
    if not isinstance(observation, StatusSeen):
        return None
    product = as_word(content.get(PRODUCT))
    return event_identity(headers.get(JOB_ID), observation.word, observation.code, product, headers.get(TIMESTAMP))
