"""Where the processes of a campaign listen, and where they keep their files."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final

from vigil.demo.ports import LOOPBACK, Ports, accepts_connections
from vigil.demo.simulator_accounts import authorization, read_key

APIS: Final = ("api-1", "api-2")
_QUIET_PORTS: Final = range(20_000, 32_000)
"""Below those from which Linux takes one for each connection that begins here."""


class Storage(StrEnum):
    """Where the product stores everything."""

    FOLDER = "folder"
    BUCKET = "s3"


@dataclass(frozen=True)
class Places:
    """Where everything listens, and where it keeps its files."""

    folder: Path
    ports: Ports
    proxy: int
    receivers: int
    bucket: int
    apis: Mapping[str, int]
    kind: Storage

    @classmethod
    def find(cls, folder: Path, kind: Storage) -> "Places":
        """Return places with ports that no program uses now."""
        found = _free_ports()
        ports = Ports(*itertools.islice(found, len(fields(Ports))))
        proxy, receivers, store, *apis = itertools.islice(found, 3 + len(APIS))
        return cls(folder, ports, proxy, receivers, store, dict(zip(APIS, apis, strict=True)), kind)

    @property
    def config(self) -> Path:
        """The settings of all processes."""
        return self.folder / "vigil.toml"

    @property
    def switch(self) -> Path:
        """The file that names the fault of the storage."""
        return self.folder / "storage-fault"

    @property
    def storage(self) -> Path:
        """The folder of the storage."""
        return self.folder / "storage"

    @property
    def api_urls(self) -> Sequence[str]:
        """Where the APIs answer."""
        return [f"http://{LOOPBACK}:{port}" for port in self.apis.values()]

    @property
    def receivers_url(self) -> str:
        """Where gateway and hook answer."""
        return f"http://{LOOPBACK}:{self.receivers}"

    @property
    def temporal(self) -> str:
        """Where Temporal answers."""
        return f"{LOOPBACK}:{self.ports.temporal}"


def _free_ports() -> Iterator[int]:
    """Yield ports that no program uses, and that no connection takes while a killed process is away."""
    for port in random.sample(_QUIET_PORTS, len(_QUIET_PORTS)):
        if not accepts_connections(f"{LOOPBACK}:{port}"):
            yield port


def headers(places: Places) -> dict[str, str]:
    """Return the header that opens the API."""
    return authorization(read_key(places.config))
