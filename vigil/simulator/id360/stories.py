"""Our account at the simulated ID360, and its stories."""

from collections.abc import Mapping
from typing import Any, Final

from vigil.simulator.story import Registers, SimulatedAccount, Story

ACCOUNTS: Final = (
    SimulatedAccount(
        name="id360",
        provider="id360",
        settings={
            "base_url": "{simulator}/id360",
            "username": "vigil",
            "password": "{password}",
            "callback_headers": {"Authorization": "{secret}"},
        },
        secret_at=("callback_headers", "Authorization"),
        scenario={"endpoints": [{"url": "{callback_url}", "headers": {"Authorization": "{secret}"}}]},
    ),
)

# The final callback is due after five minutes; polls begin after fifteen.
_BRISK: Final = {"think": "PT1M", "step_every": "PT30S"}


def _id360(title: str, expected: Mapping[str, Any], scenario: Mapping[str, Any] | None = None, **more: Any) -> Story:
    return Story(
        account="id360",
        sender="id360",
        title=title,
        scenario={**_BRISK, **(scenario or {})},
        expected={"registered": True, "attention": [], **expected},
        **more,
    )


# Two pages of the document, the selfie, two videos.
_APPROVED: Final = {"outcome": "decided", "decision": "approved", "evidence_stored": 5}

STORIES: Final = (
    _id360("approved, every callback arrives", {**_APPROVED, "missed": 0, "late": 0}),
    _id360("declined", {**_APPROVED, "decision": "declined"}, {"outcome": "KO", "external_means": True}),
    _id360("final callback lost, found by polling", {**_APPROVED, "missed": 1}, {"drop_finals": True}),
    _id360("final first, intermediates after it", _APPROVED, {"final_first": True}),
    _id360(
        "the same final five times",
        {**_APPROVED, "duplicates": 4, "revisions": 1},
        # The report lags, so that the verification is still open when each of the five arrives.
        {"duplicate_final": 4, "lagging_report": "PT12M"},
    ),
    _id360(
        "canceled: the applicant ran out of time",
        {"outcome": "canceled", "decision": None, "evidence_stored": 2},
        {"outcome": "CANCELED"},
    ),
    _id360("callback before the registration", _APPROVED, registers=Registers.AFTER_A_CALLBACK),
    _id360(
        # On a slow machine a poll may be faster than the last callback, which then counts as late too.
        "a stray KO after completion",
        {**_APPROVED, "revisions": 1},
        afterwards={"status": "KO"},
    ),
    _id360(
        "failed at the provider", {"outcome": "failed", "decision": None, "evidence_stored": 5}, {"outcome": "FAILED"}
    ),
    _id360("provider down when the final comes", _APPROVED, {"outages": [{"begins": "PT4M", "lasts": "PT6M"}]}),
)
