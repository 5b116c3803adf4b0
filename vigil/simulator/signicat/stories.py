"""Our accounts at the simulated Assure, one for each way to receive callbacks, and their stories."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from vigil.simulator.story import Registers, SimulatedAccount, Story

_HERE: Final = {"base_url": "{simulator}/signicat", "client_secret": "{password}"}
_LEGACY: Final = {"url": "{callback_url}", "headers": {"Authorization": "{secret}"}, "generation": "legacy"}
_EVENTS: Final = {"url": "{callback_url}", "generation": "events"}
# An event without proof does not start a verification, so the registration must come before it. With polls after two
# minutes, a busy machine on fast time has no time left between the two.
_PATIENT: Final = {"callback_expected_within": "10m"}

# Each account has its own client at Assure, or it would discover the processes of another account.
ACCOUNTS: Final = (
    SimulatedAccount(
        name="assure",
        provider="signicat",
        settings={**_HERE, "client_id": "assure", "generations": ["legacy"], "authorization_header": "{secret}"},
        secret_at=("authorization_header",),
        scenario={"client": "assure", "generation": "legacy", "endpoints": [_LEGACY]},
    ),
    SimulatedAccount(
        name="assure-events",
        provider="signicat",
        settings={**_HERE, "client_id": "assure-events", "generations": ["events"], "tracking": _PATIENT},
        scenario={"client": "assure-events", "generation": "events", "endpoints": [_EVENTS]},
    ),
    SimulatedAccount(
        name="assure-both",
        provider="signicat",
        settings={
            **_HERE,
            "client_id": "assure-both",
            "generations": ["legacy", "events"],
            "authorization_header": "{secret}",
            "tracking": _PATIENT,
        },
        secret_at=("authorization_header",),
        scenario={"client": "assure-both", "endpoints": [_LEGACY, _EVENTS]},
    ),
)

# The final callback is due after a minute and a half. Onfido, VideoID and ReadID repeat callbacks, so polls begin after
# ten minutes. For all others polls begin after two minutes, and their final callback is due before.
_BRISK: Final = {"think": "PT1M", "processing_for": "PT30S"}
_SWIFT: Final = {"think": "PT20S", "processing_for": "PT20S"}

_DECIDED: Final = {"registered": True, "attention": [], "outcome": "decided", "decision": "approved", "revisions": 1}
_UNDECIDED: Final = {"decision": None, "evidence_stored": 0}
_ARRIVES: Final = {"missed": 0, "late": 0}
_LOST: Final = {"drop_finals": True}


class _SubProvider(NamedTuple):
    """A sub-provider in stories: its name at Assure, and the number of files of an accepted process."""

    sender: str
    title: str
    provider: str
    files: int
    pace: Mapping[str, Any]


_ONFIDO: Final = _SubProvider("onfido", "Onfido", "onfido", 3, _BRISK)
_VIDEO_ID: Final = _SubProvider("electronic-identification", "VideoID", "eid", 6, _BRISK)
_READID: Final = _SubProvider("readid", "ReadID", "readid", 3, _BRISK)
_PAPER: Final = _SubProvider("paper", "Paper", "paper", 2, _SWIFT)
_CONNECT: Final = _SubProvider("connect", "Connect", "connect:idmethod", 1, _SWIFT)
_FACETEC: Final = _SubProvider("other", "FaceTec", "facetec", 2, _SWIFT)


def _legacy(
    by: _SubProvider, title: str, expected: Mapping[str, Any], scenario: Mapping[str, Any] | None = None, **more: Any
) -> Story:
    return Story(
        account="assure",
        sender=by.sender,
        title=f"{by.title}: {title}",
        scenario={**by.pace, "provider": by.provider, **(scenario or {})},
        registration={"sender": by.sender},
        expected={**_DECIDED, "evidence_stored": by.files, **expected},
        **more,
    )


def _event(
    title: str,
    expected: Mapping[str, Any],
    scenario: Mapping[str, Any] | None = None,
    *,
    account: str = "assure-events",
    **more: Any,
) -> Story:
    return Story(
        account=account,
        sender="events",
        title=title,
        scenario={**_BRISK, **(scenario or {})},
        expected={**_DECIDED, "evidence_stored": 3, "attention": ["unproven_callbacks"], **expected},
        **more,
    )


STORIES: Final = (
    _legacy(_ONFIDO, "accepted, the callback arrives", _ARRIVES),
    _legacy(_ONFIDO, "callback lost, found by polling", {"missed": 1}, _LOST),
    _legacy(_ONFIDO, "rejected", {"decision": "declined"}, {"outcome": "rejected"}),
    _legacy(_ONFIDO, "a stray final after the end", {"late": 1}, afterwards={"status": "rejected"}),
    _legacy(_VIDEO_ID, "accepted, the callback arrives", _ARRIVES),
    _legacy(_VIDEO_ID, "callback lost, found by polling", {"missed": 1}, _LOST),
    _legacy(_VIDEO_ID, "rejected by an agent", {"decision": "declined"}, {"outcome": "rejected"}),
    _legacy(_VIDEO_ID, "a stray final after the end", {"late": 1}, afterwards={"status": "inconclusive"}),
    _legacy(_READID, "accepted, the callback arrives", _ARRIVES),
    _legacy(_READID, "callback lost, found by polling", {"missed": 1}, _LOST),
    _legacy(_READID, "inconclusive, a copied chip", {"decision": "inconclusive"}, {"outcome": "inconclusive"}),
    _legacy(_READID, "a stray final after the end", {"late": 1}, afterwards={"status": "failed"}),
    _legacy(
        _READID,
        "one 500 holds it for an hour",
        {"missed": 1},
        # A hold under this name affects no other story. The callback is not repeated, so a poll must find the end.
        {
            "answered_attempts": {"1": 500},
            "endpoints": [{**_LEGACY, "held_with": "behind-a-broken-proxy"}],
            "held_is_resent": False,
        },
    ),
    _legacy(_PAPER, "accepted, the callback arrives", _ARRIVES),
    _legacy(_PAPER, "its only callback lost", {"missed": 1}, _LOST),
    _legacy(_PAPER, "inconclusive, no zone to read", {"decision": "inconclusive"}, {"outcome": "inconclusive"}),
    _legacy(_PAPER, "a stray final after the end", {"late": 1}, afterwards={"status": "rejected"}),
    _legacy(_CONNECT, "accepted, the callback arrives", _ARRIVES),
    _legacy(_CONNECT, "its only callback lost", {"missed": 1}, _LOST),
    _legacy(_CONNECT, "canceled", {**_UNDECIDED, "outcome": "canceled"}, {"outcome": "canceled"}),
    _legacy(_CONNECT, "a stray final after the end", {"late": 1}, afterwards={"status": "canceled"}),
    _legacy(_FACETEC, "accepted, the callback arrives", _ARRIVES),
    _legacy(_FACETEC, "callback lost, found by polling", {"missed": 1}, _LOST),
    _legacy(_FACETEC, "failed at the provider", {**_UNDECIDED, "outcome": "failed"}, {"outcome": "failed"}),
    _legacy(_FACETEC, "a stray final after the end", {"late": 1}, afterwards={"status": "inconclusive"}),
    _legacy(_ONFIDO, "known by its dossier alone", {}, {"hosted_capture": "PT1M"}, registers=Registers.BY_COORDINATES),
    _legacy(
        _ONFIDO,
        "lost, never registered, found",
        {"registered": False, "attention": ["never_registered"]},
        {"drop_all": True},
        registers=Registers.NEVER,
    ),
    _event("the event arrives as a hint", _ARRIVES),
    _event("event lost, found by polling", {"missed": 1, "received": 0, "attention": []}, {"drop_finals": True}),
    _event("rejected", {"decision": "declined"}, {"outcome": "rejected"}),
    _event("a stray event after the end", {"late": 0}, afterwards={"status": "rejected"}),
    _event("the same event twice", {"duplicates": 1}, {"duplicate_final": 1, "lagging_report": "PT5M"}),
    _event("the zip is later than the verdict", {"evidence_stored": 1}, {"provider": "webid", "zip_lags": "PT5M"}),
    _event(
        "a redacted image is refused",
        {
            "evidence_stored": 2,
            "evidence_lost": 1,
            "losses": ["refused"],
            "attention": ["evidence_lost", "unproven_callbacks"],
        },
        {"redacted_images": ["front"]},
    ),
    # The event proves nothing, so a verification that the callback has concluded would not count it.
    _event("a callback and an event, one verdict", {"received": 2}, {"lagging_report": "PT5M"}, account="assure-both"),
)
