"""Accounts at the played Smile ID, one for each generation, and the stories that it plays."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.smile_id.scenario import API_KEY, PARTNER
from simulator.story import PlayedAccount, Story

# Smile ID signs its answers too, so the played one must know the key before anybody orders anything of it.
_HERE: Final = {"base_url": "{simulator}/smile_id", "partner_id": PARTNER, "api_key": API_KEY}
_CALLED: Final = {"endpoints": [{"url": "{callback_url}"}]}

ACCOUNTS: Final = (
    PlayedAccount(
        name="smile",
        provider="smile_id",
        settings={**_HERE, "generations": ["v1"]},
        secret_at=("api_key",),
        scenario={**_CALLED, "api_key": "{secret}"},
    ),
    PlayedAccount(
        name="smile-v3",
        provider="smile_id",
        settings={**_HERE, "generations": ["v3"]},
        secret_at=("api_key",),
        scenario={**_CALLED, "api_key": "{secret}", "generation": "v3"},
    ),
)

# The last result is due after a minute and a half; we begin to poll after three.
_BRISK: Final = {"think": "PT30S", "step_every": "PT30S"}
_EXPECTED: Final = {"registered": True, "attention": [], "outcome": "decided", "decision": "approved", "revisions": 1}
_UNDECIDED: Final = {"decision": None, "evidence_stored": 0}
_SELFIE: Final = {"evidence_stored": 1}
_REVIEWED: Final = {"code": "0814", "review_for": "PT20M"}


def _v1(title: str, expected: Mapping[str, Any], scenario: Mapping[str, Any] | None = None, **more: Any) -> Story:
    return Story(
        account="smile",
        sender="v1",
        title=title,
        scenario={**_BRISK, **(scenario or {})},
        expected={**_EXPECTED, **expected},
        **more,
    )


def _v3(title: str, expected: Mapping[str, Any], scenario: Mapping[str, Any] | None = None, **more: Any) -> Story:
    return Story(
        account="smile-v3",
        sender="v3",
        title=f"v3: {title}",
        scenario={**_BRISK, **(scenario or {})},
        expected={**_EXPECTED, **expected},
        **more,
    )


STORIES: Final = (
    _v1("approved, both callbacks arrive", {**_SELFIE, "heard": 2, "missed": 0, "late": 0}),
    _v3("clear, the callback arrives", {"evidence_stored": 4, "heard": 1, "missed": 0}),
)
