"""How the sub-providers of Assure differ: their senders, their process types and their files."""

from collections.abc import Mapping
from typing import Final

from vigil.domain.models import StrictModel
from vigil.domain.sender_contract import SenderContract
from vigil.domain.terms import Name
from vigil.providers.signicat.senders import CONTRACTS
from vigil.simulator.signicat.scenario import Depiction, Generation, Outcome, SignicatScenario


class SubProvider(StrictModel):
    """One sub-provider. Only one that `films` can have a video.

    `starts_silently`: the answer to the start of a verification has no body.
    """

    sender: Name = "other"
    process_type: str | None = None
    depictions: tuple[Depiction, ...] = ()
    possible: tuple[Depiction, ...] = ("front", "back", "selfie")
    films: bool = False
    has_video: bool = False
    has_raw: bool = False
    has_final_result: frozenset[str] = frozenset({"accepted"})
    """The statuses with a `finalResult`."""
    starts_silently: bool = False


_ALL: Final[tuple[Depiction, ...]] = ("front", "back", "selfie", "portrait")
_VIDEO_ID: Final = SubProvider(
    sender="electronic-identification",
    process_type="high",
    depictions=_ALL,
    possible=_ALL,
    films=True,
    has_video=True,
    # In Assure's examples the person is only in the sub-provider's own part.
    has_final_result=frozenset(),
)
# Assure promises a `finalResult` for accepted processes only, but its own example of a rejected Paper process has one.
_PAPER: Final = SubProvider(sender="paper", depictions=("front",), has_final_result=frozenset({"accepted", "rejected"}))

_SUB_PROVIDERS: Final[Mapping[str, SubProvider]] = {
    "onfido": SubProvider(sender="onfido", process_type="documentSelfie", depictions=("front", "selfie"), films=True),
    "signicatvideoid": _VIDEO_ID,
    "eid": _VIDEO_ID.model_copy(update={"process_type": "attended"}),
    "readid": SubProvider(
        sender="readid",
        process_type="sdk",
        depictions=("portrait",),
        possible=("portrait",),
        has_raw=True,
        starts_silently=True,
    ),
    "signicatpaper": _PAPER,
    "paper": _PAPER,
    "connect": SubProvider(sender="connect", possible=()),
    "signicatpictureid": SubProvider(process_type="documentSelfie", depictions=("front", "selfie")),
    "facetec": SubProvider(depictions=("selfie",), possible=("selfie",)),
    "webid": SubProvider(process_type="videoid", possible=(), starts_silently=True),
}


def sub_provider(name: str) -> SubProvider:
    """Return a sub-provider by Assure's name for it; an unknown one has no files but the zip."""
    return _SUB_PROVIDERS.get(name) or _SUB_PROVIDERS.get(name.partition(":")[0]) or SubProvider()


def process_type(scenario: SignicatScenario) -> str | None:
    """Return the process type that Assure shows."""
    return scenario.process_type or sub_provider(scenario.provider).process_type


def depictions(scenario: SignicatScenario) -> tuple[Depiction, ...]:
    """Return the images that exist when the process has ended."""
    is_examined = scenario.outcome not in {Outcome.CANCELED, Outcome.FAILED}
    return sub_provider(scenario.provider).depictions if is_examined else ()


def has_video(scenario: SignicatScenario) -> bool:
    """Return whether a video exists when the process has ended."""
    own = sub_provider(scenario.provider)
    return own.has_video or (own.films and scenario.process_type == "documentVideo")


def contract(scenario: SignicatScenario, generation: Generation) -> SenderContract:
    """Return the contract by which callbacks of a generation are sent."""
    return CONTRACTS["events" if generation is Generation.EVENTS else sub_provider(scenario.provider).sender]
