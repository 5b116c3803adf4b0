"""What the simulator keeps in a file, so that a provider does not forget its verifications when it is started again."""

import io
import logging
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

from vigil.simulator.base import SimulatedProvider
from vigil.simulator.clock import Clock
from vigil.simulator.engine import Engine

_ENGINE: Final = "engine"
_CLOCK: Final = "clock"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptState:
    """The providers of an earlier start, and the contract time at which they were kept.

    `content` refers to the engine and the clock, which each start makes anew.
    """

    release: str
    scale: float
    contract_now: timedelta
    kept_at: float
    address: str
    content: bytes

    @classmethod
    def load(cls, file: Path, scale: float) -> Self | None:
        """Return what an earlier start kept; None if it kept nothing that this start can use."""
        if not file.exists():
            return None
        try:
            kept = pickle.loads(file.read_bytes())  # noqa: S301 -- as above
        except Exception as error:  # noqa: BLE001 -- a damaged file must not keep the stack from starting
            log.warning("simulator.state_not_readable: %s", type(error).__name__)
            return None
        if not isinstance(kept, cls) or (kept.release, kept.scale) != (version("vigil"), scale):
            log.warning("simulator.state_of_another_release")
            return None
        return kept

    def clock(self) -> Clock:
        """Return a clock on which contract time has gone on since then."""
        away = timedelta(seconds=max(0.0, time.time() - self.kept_at))
        began = timedelta(seconds=time.monotonic())
        then = self.contract_now / self.scale + away
        return Clock(self.scale, real_now=lambda: then + timedelta(seconds=time.monotonic()) - began)

    def restore(self, engine: Engine) -> Mapping[str, SimulatedProvider[Any, Any]] | None:
        """Return the providers with their verifications, which `resume` continues; None if they cannot be read."""
        reader = _Reader(io.BytesIO(self.content))
        reader.shared = {_ENGINE: engine, _CLOCK: engine.clock}
        try:
            simulators: Mapping[str, SimulatedProvider[Any, Any]] = reader.load()
        except Exception as error:  # noqa: BLE001 -- as above
            log.warning("simulator.state_not_readable: %s", type(error).__name__)
            return None
        engine.address = self.address
        return simulators


def keep(file: Path, simulators: Mapping[str, SimulatedProvider[Any, Any]], engine: Engine) -> None:
    """Write the providers with their verifications to a file, for its owner alone."""
    content = io.BytesIO()
    writer = _Writer(content)
    writer.shared = {id(engine): _ENGINE, id(engine.clock): _CLOCK}
    writer.dump(dict(simulators))
    clock = engine.clock
    kept = KeptState(version("vigil"), clock.scale, clock.now(), time.time(), engine.address, content.getvalue())
    draft = file.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_bytes(pickle.dumps(kept))
    draft.replace(file)


class _Writer(pickle.Pickler):
    shared: Mapping[int, str]

    def persistent_id(self, value: Any) -> str | None:
        return self.shared.get(id(value))


class _Reader(pickle.Unpickler):
    shared: Mapping[str, Any]

    def persistent_load(self, name: str) -> Any:
        return self.shared[name]
