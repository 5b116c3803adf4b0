"""The three base classes of our models. Each says what happens to a field that this release does not know.

Processes of two releases run side by side while a new one is rolled out or taken back. So what a class may do with an
unknown field depends on where its values come from, and every model has one of these bases.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from vigil.domain import model_building
from vigil.domain.terms import Word


class _FrozenModel(BaseModel):
    """A value: immutable, and silent about a content that it refuses, since the content may be personal."""

    model_config = ConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        ser_json_timedelta="iso8601",
        defer_build=model_building.at_first_use,
    )

    def _with(self, **changes: object) -> Self:
        """Return a copy with other values, validated like a new one: pydantic's `model_copy` checks no bound.

        For methods of the value alone, so that every edit has a name and typed parameters. Raises `TypeError` for a
        name that is not a field: a stored model would keep it as an unknown field.
        """
        unknown = changes.keys() - type(self).model_fields.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no such field: {', '.join(sorted(unknown))}")
        return type(self).model_validate({**dict(self), **changes})


class StrictModel(_FrozenModel):
    """A value that people send or see: settings, API requests, options of a scenario, views. Refuses unknown fields.

    A misspelt name must be an error, or its author believes that it has an effect.
    """

    model_config = ConfigDict(extra="forbid")


class MessageModel(_FrozenModel):
    """A value that one process sends to another: signals, updates, activity inputs and results. Ignores unknown fields.

    The sender may be of a later release, and its message must arrive all the same. A new field needs a default, since
    the sender may be of an earlier release too.
    """

    model_config = ConfigDict(extra="ignore")


class StoredModel(_FrozenModel):
    """A value that is kept, in storage or in a history. Hands unknown fields on, also through edits by `_with`.

    What a later release wrote must survive that an earlier one loads, edits and writes it. A value that is sent and
    stored is a stored one. An unknown field has no type here. It may carry what the later release allows, and that
    release has the same rule: no personal data (`tests/domain/test_personal_data.py`).
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[Word, JsonValue] = Field(init=False)
