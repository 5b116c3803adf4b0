"""Inputs that a backend writes by hand: plain JSON, which nobody has checked."""

from datetime import datetime
from typing import Final

from pydantic import JsonValue
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from vigil.domain.verification_key import VerificationKey
    from vigil.sealing.clear import take_in_clear
    from vigil.temporal import messages

NOT_JSON: Final = "The input does not fit. It must be one JSON object, as POST /verifications takes it."
_UNKNOWN: Final = "unknown"


def read_json(raw: RawValue) -> dict[str, JsonValue]:
    """Return the JSON object in an input, sealed or not. Raises `ApplicationError`, which fails the run."""
    try:
        given = workflow.payload_converter().from_payload(take_in_clear(raw), dict)
    except Exception:  # noqa: BLE001 -- each converter has its own errors, and none may let the task fail for ever
        given = None
    if not isinstance(given, dict):
        raise ApplicationError(NOT_JSON, type=messages.REFUSED_INPUT, non_retryable=True)
    return given


def read_order(raw: RawValue) -> messages.TrackVerification | None:
    """Return the input that our own processes start a verification with; None for any other input."""
    try:
        order: messages.TrackVerification = workflow.payload_converter().from_payload(
            raw.payload, messages.TrackVerification
        )
    except Exception:  # noqa: BLE001 -- as above
        return None
    return order


def placeholder(at: datetime) -> messages.TrackVerification:
    """Return an input for a run that has first to learn its own."""
    key = VerificationKey(account=_UNKNOWN, reference=_UNKNOWN)
    return messages.TrackVerification(
        key=key, path=f"{_UNKNOWN}/{_UNKNOWN}", provider=_UNKNOWN, environment=_UNKNOWN, opened_at=at
    )
