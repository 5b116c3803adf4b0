"""The SDK's core is not written in Python, and its lines are filtered as all others."""

import asyncio
import logging

import pytest
from temporalio import activity
from temporalio.worker import Worker

from tests.sealed import connect
from tests.workflows.conftest import SkippedTime
from vigil.temporal.connection import open_sdk_runtime


@activity.defn
async def nothing() -> None:
    """Do nothing."""


async def test_the_core_of_the_sdk_logs_through_python_and_without_its_fields(
    skipped: SkippedTime, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """This server is too old for the core, which says so in a warning."""
    address = skipped.environment.client.service_client.config.target_host
    client = await connect(address, "default", runtime=open_sdk_runtime())
    async with Worker(client, task_queue="nothing", activities=[nothing]):
        async with asyncio.timeout(10):
            while not (lines := [each for each in caplog.records if each.name.startswith("temporalio.core")]):
                await asyncio.sleep(0.05)

    assert lines[0].levelno == logging.WARNING
    assert lines[0].getMessage().startswith("Temporal Server 1.16.0 or newer is required")
    assert "temporalio_sdk_core" not in capfd.readouterr().err
