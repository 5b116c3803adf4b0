"""Our account at the simulated Verdant, and its stories."""

from typing import Any, Final

from vigil.simulator.story import SimulatedAccount, Story

ACCOUNTS: Final = (
    SimulatedAccount(
        name="verdant",
        provider="verdant",
        settings={"base_url": "{simulator}/verdant", "api_key": "{password}", "callback_token": "{secret}"},
        secret_at=("callback_token",),
        scenario={"endpoints": [{"url": "{callback_url}"}], "token": "{secret}"},
    ),
)


def _verdant(title: str, scenario: dict[str, Any], **expected: Any) -> Story:
    return Story(
        account="verdant",
        sender="verdant",
        title=title,
        scenario={"think": "PT1M", "step_every": "PT30S", **scenario},
        expected={"registered": True, "attention": [], "evidence_stored": 2, "outcome": "decided", **expected},
    )


STORIES: Final = (
    _verdant("approved, both parts announced", {}, decision="approved", missed=0),
    _verdant("declined for the face", {"face": "fail"}, decision="declined"),
    # The parts are far apart: even on a busy machine the read after the first callback shows one part only.
    _verdant(
        "second part never announced",
        {"drop_finals": True, "step_every": "PT5M"},
        decision="approved",
        missed=1,
    ),
    _verdant("links expired before the download", {"expired_links": 2}, decision="approved", evidence_lost=0),
)
