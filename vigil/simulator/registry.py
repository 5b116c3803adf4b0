"""The only list of simulated providers; each is served under its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vigil.simulator.engine import Engine
from vigil.simulator.id360 import CANARIES as ID360_CANARIES
from vigil.simulator.id360 import Id360
from vigil.simulator.id360 import stories as id360
from vigil.simulator.identomat import CANARIES as IDENTOMAT_CANARIES
from vigil.simulator.identomat import Identomat
from vigil.simulator.identomat import stories as identomat
from vigil.simulator.play import Simulator
from vigil.simulator.signicat import CANARIES as SIGNICAT_CANARIES
from vigil.simulator.signicat import Signicat
from vigil.simulator.signicat import stories as signicat
from vigil.simulator.smile_id import CANARIES as SMILE_ID_CANARIES
from vigil.simulator.smile_id import SmileId
from vigil.simulator.smile_id import stories as smile_id
from vigil.simulator.story import PlayedAccount, Story


@dataclass(frozen=True)
class Simulated:
    """How the registry knows a simulated provider.

    `canaries` are texts of the invented person, by what they are, that all its results hold: whoever looks for a
    person where none may be looks for them.
    """

    build: Callable[[Engine], Simulator]
    accounts: Sequence[PlayedAccount]
    stories: Sequence[Story]
    canaries: Mapping[str, str]


SIMULATED: Final[Mapping[str, Simulated]] = {
    "id360": Simulated(Id360, id360.ACCOUNTS, id360.STORIES, ID360_CANARIES),
    "identomat": Simulated(Identomat, identomat.ACCOUNTS, identomat.STORIES, IDENTOMAT_CANARIES),
    "signicat": Simulated(Signicat, signicat.ACCOUNTS, signicat.STORIES, SIGNICAT_CANARIES),
    "smile_id": Simulated(SmileId, smile_id.ACCOUNTS, smile_id.STORIES, SMILE_ID_CANARIES),
}

PLAYED: Final = tuple(account for each in SIMULATED.values() for account in each.accounts)
"""Every account at a simulated provider."""

STORIES: Final = tuple(story for each in SIMULATED.values() for story in each.stories)
"""Every story of every simulated provider."""
