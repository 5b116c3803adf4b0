"""How much is tried: the same examples in each run of `make test`, and as many times more new ones as `FUZZ_EFFORT`."""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

EFFORT: Final = int(os.environ.get("FUZZ_EFFORT", "1"))
_PHASES: Final = (Phase.explicit, Phase.generate)


def tries(examples: int) -> settings:
    """Return the settings for so many examples. Only a longer run searches for a shorter counterexample."""
    return settings(
        max_examples=examples * EFFORT,
        derandomize=EFFORT == 1,
        phases=_PHASES if EFFORT == 1 else (*_PHASES, Phase.shrink),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
