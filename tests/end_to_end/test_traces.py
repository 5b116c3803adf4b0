"""One trace leads from a callback to the request that it causes at the provider, also where the relay signals it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.end_to_end.conftest import Running
from vigil.cli.context import open_installation
from vigil.demo.ports import Ports
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS
from vigil.simulator.serving import serving

Span = tuple[str, str, dict[str, str]]


class Collector:
    """Takes spans by OTLP over HTTP. `spans` has process, name and attributes of each, by trace."""

    def __init__(self) -> None:
        self.spans: dict[bytes, list[Span]] = {}
        self.app = Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        sent = ExportTraceServiceRequest.FromString(await request.body())
        for resource in sent.resource_spans:
            process = next(
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            )
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        each.key: str(each.value.string_value or each.value.int_value) for each in span.attributes
                    }
                    self.spans.setdefault(span.trace_id, []).append((process, span.name, attributes))
        return Response()

    async def wait_for(self, *names: str) -> list[Span]:
        """Wait for a trace that has all these spans, each as `process name`."""
        async with asyncio.timeout(60):
            while True:
                for spans in self.spans.values():
                    if set(names) <= {f"{process} {name}" for process, name, _ in spans}:
                        return spans
                await asyncio.sleep(0.2)


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    collector = Collector()
    async with serving(collector.app) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "300")
        yield collector


async def test_a_trace_leads_from_a_callback_through_signal_and_relay_to_the_provider(
    collector: Collector, tmp_path: Path
) -> None:
    stack = Stack(tmp_path / "stack", Ports.find_free(), accounts=SIMULATED_ACCOUNTS, time_scale=240)
    path = ("vigil-api callback", "vigil-api store receipt", "vigil-api signal", "vigil-worker read")
    async with (
        stack.run(),
        open_installation(stack.config) as runtime,
        httpx.AsyncClient(trust_env=False, timeout=40) as http,
    ):
        running = Running(stack, runtime, http)
        reference = await running.play(outcome="silent", callbacks=False)
        await running.register(reference)
        final = {"id": int(reference), "status": "COMPLETED"}

        assert await running.call_back(final) == 200
        at_once = await collector.wait_for(*path, "vigil-worker provider request")
        collector.spans.clear()
        await stack.stop("temporal")
        another = await running.play(outcome="silent", callbacks=False)
        assert await running.call_back({**final, "id": int(another)}) == 200
        await stack.restart("temporal")
        relayed = await collector.wait_for(*path, "vigil-worker provider request")

    assert [sent["result"] for _, name, sent in at_once if name == "signal"] == ["signaled"]
    results = [sent["result"] for _, name, sent in relayed if name == "signal"]
    assert (results[0], results[-1]) == ("failed", "signaled")
    assert {sent["account"] for _, name, sent in relayed if name in {"callback", "signal", "read"}} == {"id360"}
    assert reference not in str(collector.spans)
    assert another not in str(collector.spans)
