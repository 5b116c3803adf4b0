"""The only list of simulated providers; each is served under its name."""

from collections.abc import Mapping
from typing import Any, Final

from vigil.simulator.base import SimulatedProvider
from vigil.simulator.id360.routes import Id360
from vigil.simulator.identomat.routes import Identomat
from vigil.simulator.signicat.routes import Signicat
from vigil.simulator.smile_id.routes import SmileId

SIMULATED: Final[Mapping[str, type[SimulatedProvider[Any, Any]]]] = {
    provider.name: provider
    for provider in (
        Id360,
        Identomat,
        Signicat,
        SmileId,
    )
}

SIMULATED_ACCOUNTS: Final = tuple(account for provider in SIMULATED.values() for account in provider.accounts)
"""Every account at a simulated provider."""

STORIES: Final = tuple(story for provider in SIMULATED.values() for story in provider.stories)
"""Every story of every simulated provider."""
