"""The client for backends: `Client` and `AsyncClient`, their answers and their errors."""

from vigil_client.calls import Retry
from vigil_client.claims import Claims
from vigil_client.client import AsyncClient, Client
from vigil_client.errors import (
    CommandRefused,
    Conflict,
    ConflictingRegistration,
    CorrelationTaken,
    DigestMismatch,
    FileNotStored,
    InvalidRequest,
    NoResult,
    NotAllowed,
    NotFound,
    NotificationRefused,
    NotYet,
    Problem,
    ProcessNotYetKnown,
    Unavailable,
    UnknownAccount,
    UnknownVerification,
    Unreachable,
    VigilError,
)
from vigil_client.models import File, Key, Listed, Registered, Verification
from vigil_client.notifications import Newest, Notification, unwrap
from vigil_client.words import Advice, Basis, Decision, FileState, Outcome, Stage

__all__ = [
    "Advice",
    "AsyncClient",
    "Basis",
    "Claims",
    "Client",
    "CommandRefused",
    "Conflict",
    "ConflictingRegistration",
    "CorrelationTaken",
    "Decision",
    "DigestMismatch",
    "File",
    "FileNotStored",
    "FileState",
    "InvalidRequest",
    "Key",
    "Listed",
    "Newest",
    "NoResult",
    "NotAllowed",
    "NotFound",
    "NotYet",
    "Notification",
    "NotificationRefused",
    "Outcome",
    "Problem",
    "ProcessNotYetKnown",
    "Registered",
    "Retry",
    "Stage",
    "Unavailable",
    "UnknownAccount",
    "UnknownVerification",
    "Unreachable",
    "Verification",
    "VigilError",
    "unwrap",
]
