"""The only list of simulated providers; each is served under its name."""

from collections.abc import Callable, Mapping
from typing import Final

from simulator.engine import Engine
from simulator.id360 import Id360
from simulator.play import Simulator

SIMULATORS: Final[Mapping[str, Callable[[Engine], Simulator]]] = {
    "id360": Id360,
}
