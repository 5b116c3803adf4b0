"""Fills every field of a model with a value that it accepts, the same in every run."""

import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from vigil.domain.snapshot import ReadResult, ReviewExpiry, Snapshot
from vigil.domain.terms import Decision, Outcome, Stage

AT: Final = datetime(2031, 3, 4, 9, 0, tzinfo=UTC)
TEXTS: Final = (
    "word",
    "aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "image/png",
    "verifications/acme/v-1/results/x",
    "2031",
    "00000000",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
PLAIN: Final[Mapping[Any, Any]] = {
    AwareDatetime: AT,
    bool: True,
    bytes: b"{}",
    datetime: AT,
    float: 1.5,
    int: 1,
    timedelta: timedelta(minutes=5),
}
BY_HAND: Final[Mapping[type[BaseModel], Mapping[str, Any]]] = {
    # Their validators allow some combinations of fields only.
    Snapshot: {"stage": Stage.CONCLUDED, "decision": Decision.APPROVED, "ended": None},
    ReviewExpiry: {"decision": None, "ended": Outcome.FAILED},
    ReadResult: {},
}


def sample(model: type[BaseModel]) -> BaseModel:
    """Return a value of the model with every field filled."""
    given = {
        name: value_of(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
        for name, field in model.model_fields.items()
    }
    return model.model_validate(given | dict(BY_HAND.get(model, {})))


def value_of(annotation: Any) -> Any:
    """Return a value that the annotation accepts; of a union, of its first member."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _accepted(annotation, inner[0])
    if origin in {Union, types.UnionType}:
        return value_of(next(each for each in inner if each is not type(None)))
    if origin is Literal:
        return inner[0]
    if origin in {tuple, list}:
        return origin(value_of(each) for each in inner if each is not Ellipsis)
    if origin is not None and issubclass(origin, Mapping):
        return {value_of(inner[0]): value_of(inner[1])}
    return _plain(annotation)


def _plain(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return sample(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    return PLAIN.get(annotation, "word")


def _accepted(annotation: Any, bare: Any) -> Any:
    found = value_of(bare)
    texts = TEXTS if isinstance(found, str) and not isinstance(found, Enum) else ()
    adapter = TypeAdapter(annotation)
    for candidate in (found, *texts):
        try:
            adapter.validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    raise AssertionError(f"no sample fits {annotation}")
