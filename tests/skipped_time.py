"""A Temporal server whose clock skips what nobody does anything in."""

import asyncio
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.testservice.v1 import UnlockTimeSkippingRequest
from temporalio.testing import WorkflowEnvironment

from tests.sealed import CONVERTER
from vigil.temporal.messages import SEARCH_ATTRIBUTES

STALLS_AFTER: Final = timedelta(seconds=15)
"""Real time. What a skip causes takes less than a second on an idle machine."""
KINDS: Final = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


@asynccontextmanager
async def run_skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """Run a server that knows our search attributes. It has no lists and no schedules."""
    binary = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(binary), data_converter=CONVERTER
    ) as environment:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={name: KINDS[kind] for name, kind in SEARCH_ATTRIBUTES.items()},
            )
        )
        yield environment


async def skip(environment: WorkflowEnvironment, duration: timedelta, stalls_after: timedelta = STALLS_AFTER) -> None:
    """Skip time, with everything that falls due in it.

    The server locks its clock while an activity runs. If the run of that activity ends first, as on a busy machine,
    the server never takes this lock back, and would skip nothing for the next tests either. So we take it back.
    """
    sleeping = asyncio.create_task(environment.sleep(duration))
    try:
        while not (await asyncio.wait([sleeping], timeout=stalls_after.total_seconds()))[0]:
            await environment.client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())
        await sleeping
    finally:
        sleeping.cancel()
