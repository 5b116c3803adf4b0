"""Where the parts of the application are that are never installed."""

from pathlib import Path

from vigil.errors import VigilError


class CheckoutMissing(VigilError):
    """This package is installed without the application around it."""


def find_checkout() -> Path:
    """Return the folder that holds `worker.py` and `api/`. Raises `CheckoutMissing`."""
    for folder in Path(__file__).parents:
        if (folder / "worker.py").is_file() and (folder / "api").is_dir():
            return folder
    raise CheckoutMissing("worker.py and api/ are not here: this command runs from a checkout of the repository only")
