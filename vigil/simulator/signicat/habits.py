"""What tells one sub-provider of Assure from another: its sender, its process types and its files."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Frozen, Name
from vigil.providers.signicat.senders import CONTRACTS
from vigil.simulator.signicat.scenario import Depiction, Generation, Outcome, SignicatScenario

TEN_MINUTES: Final = timedelta(minutes=10)


class Habits(Frozen):
    """One sub-provider's part in Assure.

    `starts_silently`: the start of a verification is answered without a body. Only who `films` can ever have a video.
    """

    sender: Name = "other"
    process_type: str | None = None
    depictions: tuple[Depiction, ...] = ()
    possible: tuple[Depiction, ...] = ("front", "back", "selfie")
    films: bool = False
    has_video: bool = False
    has_raw: bool = False
    tells_final_result: bool = True
    starts_silently: bool = False


_ALL: Final[tuple[Depiction, ...]] = ("front", "back", "selfie", "portrait")
_VIDEO_ID: Final = Habits(
    sender="electronic-identification",
    process_type="high",
    depictions=_ALL,
    possible=_ALL,
    films=True,
    has_video=True,
    # In Assure's examples the person is found in what the sub-provider said, and nowhere else.
    tells_final_result=False,
)
_PAPER: Final = Habits(sender="paper", depictions=("front",))
_CONNECT: Final = Habits(sender="connect", possible=())

_HABITS: Final[Mapping[str, Habits]] = {
    "onfido": Habits(sender="onfido", process_type="documentSelfie", depictions=("front", "selfie"), films=True),
    "signicatvideoid": _VIDEO_ID,
    "eid": _VIDEO_ID.model_copy(update={"process_type": "attended"}),
    "readid": Habits(
        sender="readid",
        process_type="sdk",
        depictions=("portrait",),
        possible=("portrait",),
        has_raw=True,
        starts_silently=True,
    ),
    "signicatpaper": _PAPER,
    "paper": _PAPER,
    "connect": _CONNECT,
    "signicatpictureid": Habits(process_type="documentSelfie", depictions=("front", "selfie")),
    "facetec": Habits(depictions=("selfie",), possible=("selfie",)),
    "webid": Habits(process_type="videoid", possible=(), starts_silently=True),
}


def habits(provider: str) -> Habits:
    """Return the habits of a sub-provider, named as Assure names it; one that is unknown has no files but the zip."""
    return _HABITS.get(provider) or _HABITS.get(provider.partition(":")[0]) or Habits()


def process_type(scenario: SignicatScenario) -> str | None:
    """Return the process type that Assure tells."""
    return scenario.process_type or habits(scenario.provider).process_type


def depictions(scenario: SignicatScenario) -> tuple[Depiction, ...]:
    """Return the images that exist when the process has ended."""
    if scenario.depictions is not None:
        return scenario.depictions
    is_looked_at = scenario.outcome not in {Outcome.CANCELED, Outcome.FAILED}
    return habits(scenario.provider).depictions if is_looked_at else ()


def has_video(scenario: SignicatScenario) -> bool:
    """Say whether a video exists when the process has ended."""
    if scenario.has_video is not None:
        return scenario.has_video
    own = habits(scenario.provider)
    return own.has_video or (own.films and scenario.process_type == "documentVideo")


def contract(scenario: SignicatScenario, generation: Generation) -> SenderContract:
    """Return the contract by which an endpoint is told."""
    if generation is Generation.EVENTS:
        return _repeating(CONTRACTS["events"], scenario.event_repeats)
    found = CONTRACTS[habits(scenario.provider).sender]
    if found.sender == _VIDEO_ID.sender and not scenario.first_attempt_counts:
        return _repeating(found, (TEN_MINUTES,))
    return found


def _repeating(contract: SenderContract, more: tuple[timedelta, ...]) -> SenderContract:
    redelivery = contract.redelivery.model_copy(update={"delays": (*contract.redelivery.delays, *more)})
    return contract.model_copy(update={"redelivery": redelivery})
