"""Records the golden files: `python -m tests.golden.record`. A changed file is a changed interface between releases."""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from tests.architecture.test_model_bases import KEPT, SENT
from tests.golden.samples import sample

FILES: Final = Path(__file__).parent / "files"
MODELS: Final = sorted({*KEPT, *SENT}, key=lambda model: model.__name__)


def written(model: type[BaseModel]) -> str:
    return json.dumps(sample(model).model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def main() -> None:
    FILES.mkdir(exist_ok=True)
    for file in FILES.glob("*.json"):
        file.unlink()
    for model in MODELS:
        (FILES / f"{model.__name__}.json").write_text(written(model))


if __name__ == "__main__":
    main()
