"""Our accounts at the simulated Smile ID, one for each generation, and their stories."""

from collections.abc import Mapping
from typing import Any, Final

from vigil.simulator.smile_id.scenario import API_KEY, PARTNER
from vigil.simulator.story import Registers, SimulatedAccount, Story

# Smile ID signs its answers too, so the simulated one must know the key before the first order.
_HERE: Final = {"base_url": "{simulator}/smile_id", "partner_id": PARTNER, "api_key": API_KEY}
_CALLED: Final = {"endpoints": [{"url": "{callback_url}"}]}

# A proof with a time of its own has the real time, so fast time must leave a busy machine enough of it.
_WATCH: Final = {"callback_expected_within": "10m", "review_deadline": "40m"}

ACCOUNTS: Final = (
    SimulatedAccount(
        name="smile",
        provider="smile_id",
        settings={**_HERE, "generations": ["v1"], "tracking": _WATCH},
        secret_at=("api_key",),
        scenario={**_CALLED, "api_key": "{secret}"},
    ),
    SimulatedAccount(
        name="smile-v3",
        provider="smile_id",
        settings={**_HERE, "generations": ["v3"], "tracking": _WATCH},
        secret_at=("api_key",),
        scenario={**_CALLED, "api_key": "{secret}", "generation": "v3"},
    ),
)

# The last result is due after a minute and a half; polls begin after ten.
_BRISK: Final = {"think": "PT30S", "step_every": "PT30S"}
_EXPECTED: Final = {"registered": True, "attention": [], "outcome": "decided", "decision": "approved", "revisions": 1}
_SELFIE: Final = {"evidence_stored": 1}
_REVIEWED: Final = {"code": "0814", "reviewed_code": "1210", "review_for": "PT15M"}
# Two sides of a card, a selfie and a receipt.
_PAPERS: Final = {"evidence_stored": 4}
# The first revision has no reason: it is in a callback, which a replay confirms.
_EXPLAINED: Final = {"revisions": 2}


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
        title=title,
        scenario={**_BRISK, **(scenario or {})},
        expected={**_EXPECTED, **expected},
        **more,
    )


STORIES: Final = (
    _v1("approved, both callbacks arrive", {**_SELFIE, "received": 2, "missed": 0, "late": 0}),
    _v1("the face is told before the number", {**_SELFIE, "received": 2, "missed": 0}, {"identity_first": False}),
    _v1("the number's callback is lost", {**_SELFIE, "received": 1, "missed": 0}, {"drop_indices": [0]}),
    _v1("both callbacks lost, found by polling", {**_SELFIE, "received": 0, "missed": 1}, {"drop_all": True}),
    _v1("callback before the registration", _SELFIE, registers=Registers.AFTER_A_CALLBACK),
    _v1("provisional, then a reviewer approves", {**_SELFIE, "received": 3, "missed": 0}, _REVIEWED),
    _v1(
        "provisional, then a reviewer rejects",
        {"evidence_stored": 1, "decision": "declined", "received": 3},
        {**_REVIEWED, "reviewed_code": "1211"},
    ),
    _v1(
        "provisional, the reviewer is not sure",
        {"evidence_stored": 1, "decision": "inconclusive", "received": 3},
        {**_REVIEWED, "reviewed_code": "1213"},
    ),
    _v1(
        "provisional, and nobody reviews it",
        {"evidence_stored": 0, "decision": "inconclusive", "attention": ["overdue_review"]},
        {"code": "0814", "unsettled_is_complete": True},
    ),
    _v1(
        "a reviewer reverses the machine",
        {"evidence_stored": 1, "decision": "declined", "revisions": 2, "verdicts": ["approved", "declined"], "late": 1},
        {"reviewed_code": "1211", "review_for": "PT15M"},
    ),
    _v1(
        "the authority is down and comes back",
        # Whether the callback or a poll comes first when the authority is back depends on the machine.
        {**_SELFIE, "received": 3},
        {"identity_code": "1015", "heals_after": "PT15M"},
    ),
    _v1(
        "the authority is down for good",
        {"evidence_stored": 0, "outcome": "failed", "decision": None, "attention": ["overdue_review"]},
        {"identity_code": "1015"},
    ),
    _v1(
        "a code nobody knows, then a reviewer's",
        {**_SELFIE, "received": 2, "attention": ["unrecognised_word"]},
        {"job_type": 2, "code": "0899", "reviewed_code": "1220", "review_for": "PT15M"},
    ),
    _v1("a photo makes a body of 1.5 MB", {"evidence_stored": 2, "missed": 0}, {"photo_size": 1_120_000}),
    _v1(
        "a document that has expired",
        {"decision": "inconclusive", "evidence_stored": 5},
        {"job_type": 6, "code": "0817"},
    ),
    _v1("a number that is looked up alone", {"evidence_stored": 0, "received": 1}, {"job_type": 5}),
    _v1("a business", {"received": 1, "evidence_stored": 2}, {"job_type": 7}),
    _v3("clear, the callback arrives", {**_PAPERS, "received": 2, "missed": 0}),
    _v3("block", {**_PAPERS, **_EXPLAINED, "decision": "declined", "received": 2}, {"status": "block"}),
    _v3("attention", {**_PAPERS, **_EXPLAINED, "decision": "inconclusive"}, {"status": "attention"}),
    _v3("error", {**_EXPLAINED, "outcome": "failed", "decision": None, "evidence_stored": 0}, {"status": "error"}),
    _v3("callback lost, replayed", {**_PAPERS, "missed": 1, "received": 1}, {"drop_finals": True}),
    _v3("its links are dead, replayed", {**_PAPERS, "received": 3}, {"dead_links": 2}),
    _v3(
        "known by its address alone",
        {**_PAPERS, "received": 2},
        {"job_id_header": False, "endpoints": [{"url": "{callback_url}/order-without-id"}]},
        registration={"correlation": "order-without-id"},
    ),
    _v3(
        "a watched list changes, and the status",
        {
            **_PAPERS,
            "decision": "inconclusive",
            "revisions": 3,
            "verdicts": ["approved", "inconclusive", "inconclusive"],
            "late": 1,
        },
        {"monitoring_after": "PT10M", "monitoring_changes_status": True},
    ),
    _v3(
        "a watched list changes, the status not",
        {**_PAPERS, "late": 1, "attention": ["contradiction"]},
        {"monitoring_after": "PT10M"},
    ),
)
