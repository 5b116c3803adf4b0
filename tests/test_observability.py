"""Log lines hold what is allowed and nothing else, whoever wrote them."""

import json
import logging
import socket
import sys
import threading
import warnings
from collections.abc import Iterator

import httpx
import pytest
import structlog

from vigil.observability import Metrics, set_up_logging, where


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    handlers, level, raises = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = raises
    sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks
    structlog.reset_defaults()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_fields_that_are_not_listed_lose_their_values_and_show_as_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()

    structlog.get_logger("vigil.test").info("callback.kept", account="id360", body="Jane Doe", headers={"a": "b"})

    [line] = logged(capsys)
    assert (line["event"], line["account"], line["level"]) == ("callback.kept", "id360", "info")
    assert line["left_out"] == ["body", "headers"]
    assert "Jane" not in str(line)


def test_an_exception_is_its_type_and_place_and_never_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    try:
        raise ValueError("about Jane Doe")
    except ValueError as error:
        place = where(error)
        structlog.get_logger("vigil.test").exception("callback.failed")
        logging.getLogger("somebody.else").exception("failed")

    lines = logged(capsys)
    assert [line["error"] for line in lines] == ["ValueError", "ValueError"]
    assert [line["exception_at"] for line in lines] == [place, place]
    assert "Jane" not in str(lines)


def test_a_line_names_the_host_and_the_build_that_wrote_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIL_BUILD", "b7")
    set_up_logging()

    structlog.get_logger("vigil.test").info("callback.kept")

    [line] = logged(capsys)
    assert (line["build"], line["host"]) == ("b7", socket.gethostname())


async def test_a_client_of_a_provider_writes_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://provider.example/enrollment/4711")

    assert logged(capsys) == []


def test_two_sets_of_metrics_live_side_by_side() -> None:
    first, second = Metrics(), Metrics()
    first.relayed.inc()

    assert first.registry.get_sample_value("vigil_relayed_total") == 1
    assert second.registry.get_sample_value("vigil_relayed_total") == 0


def test_every_metric_is_named_as_ours() -> None:
    assert all(family.name.startswith("vigil_") for family in Metrics().registry.collect())
