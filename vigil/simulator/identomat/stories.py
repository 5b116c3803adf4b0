"""Our account at the simulated Identomat, and its stories."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from vigil.simulator.story import Registers, SimulatedAccount, Story

ACCOUNTS: Final = (
    SimulatedAccount(
        name="identomat",
        provider="identomat",
        settings={
            "base_url": "{simulator}/identomat/external-api",
            "company_key": "{password}",
            "callback_api_key": "{secret}",
        },
        secret_at=("callback_api_key",),
        scenario={"endpoints": [{"url": "{callback_url}", "callback_api_key": "{secret}"}]},
    ),
)

# The verdict is due after a minute and a half; polls begin after five.
_BRISK: Final = {"think": "PT1M", "step_every": "PT30S"}
# The result of a message comes from its own workflow, which takes a moment of real time.
_LEISURELY: Final = {"think": "PT8M"}

# Both sides of the card, the face and its video.
_APPROVED: Final = {"outcome": "decided", "decision": "approved", "evidence_stored": 4}
_TWO_ROUNDS: Final = {**_APPROVED, "evidence_stored": 8}
_RECORDED: Final = {**_APPROVED, "evidence_stored": 5}
_ROOM: Final = {"room": "room-1", "at": "PT1M"}


def _identomat(
    title: str, expected: Mapping[str, Any], scenario: Mapping[str, Any] | None = None, **more: Any
) -> Story:
    return Story(
        account="identomat",
        sender="identomat",
        title=title,
        scenario={**_BRISK, **(scenario or {})},
        expected={"registered": True, "attention": [], "revisions": 1, **expected},
        **more,
    )


def _asks(title: str, address: str, message: Mapping[str, Any], word: str) -> Story:
    scenario = {**_LEISURELY, "messages": [{"at": "PT1M", "address": address, **message}]}
    expected = {**_APPROVED, "messages": [word], "sent": 1}
    return _identomat(title, expected, scenario, messages_to=address)


STORIES: Final = (
    _identomat("approved, the callback arrives", {**_APPROVED, "missed": 0, "late": 0}),
    _identomat("rejected", {**_APPROVED, "decision": "declined"}, {"outcome": "rejected"}),
    _identomat("a manual check, then approved", {**_APPROVED, "received": 2}, {"manual_check": True}),
    _identomat("callback lost, found by polling", {**_APPROVED, "missed": 1}, {"drop_finals": True}),
    _identomat("callback before the registration", _APPROVED, registers=Registers.AFTER_A_CALLBACK),
    _identomat(
        "expired in silence, found by polling",
        {"outcome": "expired", "decision": None, "evidence_stored": 0, "received": 0},
        {"outcome": "expired"},
    ),
    _identomat(
        "approved, reopened, rejected",
        {
            **_TWO_ROUNDS,
            "decision": "declined",
            "revisions": 3,
            "verdicts": ["approved", "reopened", "declined"],
            "received": 3,
        },
        {
            "changes": [
                {"at": "PT10M", "result": "additional_information_requested"},
                {"at": "PT20M", "result": "in_progress"},
                {"at": "PT40M", "result": "rejected"},
            ]
        },
    ),
    _identomat(
        "reopening lost, found by a recheck",
        {**_TWO_ROUNDS, "revisions": 3, "verdicts": ["approved", "reopened", "approved"], "missed": 2, "received": 1},
        {
            "changes": [
                {"at": "PT30M", "result": "additional_information_requested"},
                {"at": "PT80M", "result": "approved"},
            ],
            "drop_indices": [1, 2],
        },
        lasts=timedelta(minutes=80),
    ),
    _identomat(
        "a business",
        {**_APPROVED, "evidence_stored": 0, "session_kind": "business"},
        {"session_type": "KYB", "document": "none", "face": False},
    ),
    _identomat("a call that nobody joined", _APPROVED, {"rooms": [{**_ROOM, "ends": "empty"}]}),
    _identomat(
        "the recording comes after the verdict",
        _RECORDED,
        {"rooms": [{**_ROOM, "tells_end": True, "recording_after": "PT15M"}]},
    ),
    _identomat(
        "a recording nobody expected",
        {**_RECORDED, "late": 1},
        {"rooms": [{**_ROOM, "recording_after": "PT15M"}], "call_status": "absent"},
    ),
    _identomat(
        "a recording that only the result shows",
        {**_RECORDED, "received": 1},
        {"rooms": [{**_ROOM, "recording_after": "PT10M", "callback_dropped": True}]},
    ),
    _identomat(
        "two calls, of which one is cut twice",
        {**_APPROVED, "evidence_stored": 6},
        {
            "think": "PT8M",
            "rooms": [
                {**_ROOM, "recording": {"size": 3_000_000, "cut_after": 1_000_000, "cut_connections": 2}},
                {"room": "room-2", "at": "PT2M", "recording": {"kind": "zip", "lags": "PT10M"}},
            ],
        },
    ),
    _asks("a password by SMS, asked five times", "+12025550101", {"times": 5}, "one_time_password sent"),
    _asks("a link by SMS", "+12025550102", {"kind": "share-session-link-via-sms"}, "session_link_by_sms sent"),
    _asks(
        "a link by e-mail, asked twice",
        "link@applicant.example",
        {"kind": "share-session-link-via-email", "times": 2},
        "session_link_by_email sent",
    ),
)
