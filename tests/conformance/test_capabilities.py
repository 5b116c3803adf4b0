"""A reference that opens the applicant's session is nowhere in clear: not in payloads, ids, labels, logs or names."""

from datetime import UTC, datetime

import pytest
from temporalio.api.sdk.v1 import UserMetadata

from tests.conformance.cases import KITS
from tests.conformance.places import Place, leaks, listening, parts_of, said
from tests.conformance.rig import Play, Rig
from tests.conformance.test_personal_data import followed

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def labels_of(rig: Rig, play: Play) -> bytes:
    handle = rig.tracker.handle(play.key)
    told = [(await handle.describe()).raw_description, *(await handle.fetch_history()).events]
    return b"\n".join(part.SerializeToString() for message in told for part in parts_of(message, UserMetadata))


@pytest.mark.parametrize("provider", KITS)
async def test_only_a_reference_that_opens_nothing_is_shown(stepped: Rig, provider: str) -> None:
    since = datetime.now(UTC)
    with listening(stepped) as heard:
        plays = await followed(stepped, provider, heard)
        texts = await said(stepped, heard, since=since)
    labels = [await labels_of(stepped, play) for play in plays]
    references = [play.key.reference for play in plays]
    is_capability = stepped.dependencies.accounts[plays[0].key.account].provider.reference_is_capability
    shown = {path for path, text in texts.items() if leaks(text, references)}

    assert leaks(b"\n".join(labels), references) == set()
    assert all(labels)
    if is_capability:
        assert shown == set()
    else:
        assert {Place.PAYLOADS, Place.HISTORIES, Place.WORKFLOW_IDS, Place.STORAGE_NAMES, Place.LOGS} <= shown
