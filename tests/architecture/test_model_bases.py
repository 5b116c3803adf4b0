"""Every model says by its base class what it does with a field that this release does not know."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, Final, get_args, get_type_hints

import pytest
from pydantic import BaseModel

import activities
import api
import vigil
import workflows
from vigil.domain.callback_event import CallbackEvent
from vigil.domain.message import MessageOutcome, MessageReceived
from vigil.domain.models import MessageModel, StoredModel, StrictModel
from vigil.domain.record import Record
from vigil.domain.registration import Registration
from vigil.domain.snapshot import ReadResult, Snapshot
from vigil.domain.summary import Summary
from vigil.domain.tracking_plan import TrackingPlan
from vigil.temporal import messages

BASES: Final = {StrictModel: "forbid", MessageModel: "ignore", StoredModel: "allow"}
PACKAGES: Final = (vigil, api, activities, workflows)
SIGNALS: Final = (Registration, CallbackEvent, MessageOutcome, MessageReceived)
STORED: Final = (Record, Registration, Snapshot, ReadResult, TrackingPlan, messages.TrackVerification)
DEFINITIONS: Final = (
    "__temporal_activity_definition",
    "__temporal_workflow_run",
    "__temporal_signal_definition",
    "__temporal_query_definition",
    "_defn",  # of an update
)


def modules() -> Iterator[Any]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


MODULES: Final = tuple(modules())


def subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for subclass in model.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def is_ours(model: type[BaseModel]) -> bool:
    return model.__module__.split(".")[0] in {package.__name__ for package in PACKAGES}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def reachable(*roots: type[BaseModel]) -> set[type[BaseModel]]:
    """The roots, and every model that a field of theirs holds, however deep."""
    found: set[type[BaseModel]] = set()
    waiting = list(roots)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [inner for hint in get_type_hints(model).values() for inner in models_in(hint)]
    return found


def temporal_functions() -> Iterator[Any]:
    """Every activity, and every run, signal, query and update of a workflow."""
    for module in MODULES:
        for _, owner in inspect.getmembers(module, inspect.isclass):
            if owner.__module__ == module.__name__:
                for _, function in inspect.getmembers(owner):
                    if any(hasattr(function, definition) for definition in DEFINITIONS):
                        yield function


def sent() -> set[type[BaseModel]]:
    hints = [hint for function in temporal_functions() for hint in get_type_hints(function).values()]
    return {model for hint in hints for model in models_in(hint)} | {*SIGNALS, Summary}


OURS: Final = sorted(
    {model for model in subclasses(BaseModel) if is_ours(model) and model.__module__ != "vigil.domain.models"},
    key=lambda model: f"{model.__module__}.{model.__name__}",
)
SENT: Final = sorted(reachable(*sent()), key=lambda model: model.__name__)
KEPT: Final = sorted(reachable(*STORED), key=lambda model: model.__name__)


def test_the_search_finds_what_it_must() -> None:
    assert len(OURS) > 100
    assert {messages.LoadRecord, messages.LoadedRecord, messages.Resolve, messages.Notification, Record} <= set(SENT)
    assert {messages.SendMessage, messages.DiscoverInput, messages.RecheckSchedule, CallbackEvent} <= set(SENT)
    assert len(KEPT) > 25


@pytest.mark.parametrize("model", OURS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_every_model_has_one_of_the_three_bases_and_does_as_it_says(model: type[BaseModel]) -> None:
    bases = [base for base in BASES if issubclass(model, base)]
    assert [BASES[base] for base in bases] == [model.model_config.get("extra")]
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("hide_input_in_errors") is True


@pytest.mark.parametrize("model", SENT, ids=lambda model: model.__name__)
def test_nothing_that_processes_send_each_other_refuses_a_field(model: type[BaseModel]) -> None:
    assert issubclass(model, MessageModel | StoredModel)


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_whatever_is_kept_hands_unknown_fields_on(model: type[BaseModel]) -> None:
    assert issubclass(model, StoredModel)
