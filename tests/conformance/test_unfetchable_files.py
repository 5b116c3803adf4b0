"""A result that names a file which we cannot fetch is never complete in silence."""

import pytest

from tests.conformance.cases import KITS
from vigil.domain.snapshot import Snapshot
from vigil.domain.terms import Stage

CASES = [
    pytest.param(snapshot, id=f"{provider}-{about}")
    for provider, kit in KITS.items()
    for about, snapshot in kit.unfetchable.items()
]


@pytest.mark.parametrize("snapshot", CASES)
def test_a_file_that_cannot_be_fetched_has_a_row_or_asks_a_person(snapshot: Snapshot) -> None:
    has_row = any(not (artifact.ready and artifact.has_address) for artifact in snapshot.artifacts)

    assert snapshot.stage is Stage.CONCLUDED
    assert has_row or snapshot.unrecognised or snapshot.has_unaddressed_recording


@pytest.mark.parametrize("provider", KITS)
def test_every_kit_names_a_file_that_cannot_be_fetched(provider: str) -> None:
    assert KITS[provider].unfetchable
