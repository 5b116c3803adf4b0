"""Which search attributes a namespace has is known also where nobody may ask for their list, as in Temporal Cloud."""

import asyncio
import uuid
from typing import NoReturn

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from vigil.temporal.connection import (
    SearchAttributesMissing,
    add_search_attributes,
    connect,
    missing_search_attributes,
)

OURS = [
    "VigilAccount",
    "VigilProvider",
    "VigilStage",
    "VigilDecision",
    "VigilOutcome",
    "VigilAttention",
    "VigilDeadline",
    "VigilApplicant",
    "VigilVerification",
]


class Refusing:
    """Temporal's OperatorService, for a client that may not call it."""

    def __init__(self, status: RPCStatusCode) -> None:
        self._status = status

    async def list_search_attributes(self, _: object) -> NoReturn:
        raise RPCError("Request unauthorized.", self._status, b"")

    async def add_search_attributes(self, _: object) -> NoReturn:
        raise RPCError("Request unauthorized.", self._status, b"")


class RestrictedClient(Client):
    """A client of a real server whose OperatorService refuses it."""

    status = RPCStatusCode.PERMISSION_DENIED

    @property
    def operator_service(self) -> Refusing:  # type: ignore[override]
        return Refusing(self.status)


@pytest.fixture
async def client(temporal_address: str) -> Client:
    """Connect to a namespace without our search attributes."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    admin = await connect(temporal_address, "default", seal=None)
    await admin.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=Duration(seconds=86400))
    )
    client = await connect(temporal_address, name, seal=None)
    async with asyncio.timeout(30):
        while not await answers(client):
            await asyncio.sleep(0.2)
    return client


async def answers(client: Client) -> bool:
    try:
        await client.count_workflows("WorkflowType = 'none'")
    except RPCError:
        return False
    return True


def restricted(client: Client) -> RestrictedClient:
    return RestrictedClient(client.service_client, namespace=client.namespace)


async def test_a_client_that_may_not_list_them_learns_which_are_missing(client: Client) -> None:
    assert await missing_search_attributes(restricted(client)) == OURS


async def test_a_worker_that_may_not_list_them_starts_where_all_are_there(client: Client) -> None:
    assert await add_search_attributes(client) == OURS
    async with asyncio.timeout(30):
        while await missing_search_attributes(restricted(client)):
            await asyncio.sleep(0.2)

    assert await add_search_attributes(restricted(client)) == []


async def test_a_worker_that_may_neither_list_nor_add_them_says_which_to_add(client: Client) -> None:
    with pytest.raises(SearchAttributesMissing, match="lacks the search attributes VigilAccount, VigilProvider"):
        await add_search_attributes(restricted(client))


@pytest.mark.parametrize("status", [RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNAUTHENTICATED])
async def test_a_server_that_gives_no_answer_is_not_one_that_forbids_it(client: Client, status: RPCStatusCode) -> None:
    failing = restricted(client)
    failing.status = status

    with pytest.raises(RPCError):
        await missing_search_attributes(failing)
