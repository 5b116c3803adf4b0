"""What each base class of models does with a field that this release does not know."""

import pytest
from pydantic import ValidationError

from vigil.domain.models import MessageModel, StoredModel, StrictModel


class Order(StrictModel):
    number: int


class Event(MessageModel):
    number: int


class Row(StoredModel):
    number: int

    def renumber(self, number: int) -> "Row":
        return self._with(number=number)

    def misspell(self) -> "Row":
        return self._with(nunber=2)


class Table(StoredModel):
    rows: tuple[Row, ...]

    def renumber(self) -> "Table":
        return self._with(rows=tuple(row.renumber(row.number + 1) for row in self.rows))


def test_what_people_send_refuses_an_unknown_field_without_repeating_its_value() -> None:
    with pytest.raises(ValidationError, match="nunber") as refusal:
        Order.model_validate({"number": 1, "nunber": "Ada Lovelace"})
    assert "Ada" not in str(refusal.value)


def test_what_processes_send_ignores_an_unknown_field() -> None:
    assert Event.model_validate({"number": 1, "colour": "red"}).model_dump() == {"number": 1}


def test_what_is_stored_hands_an_unknown_field_on_through_an_edit_on_every_level() -> None:
    table = Table.model_validate_json('{"rows": [{"number": 1, "colour": {"name": "red"}}], "title": "a"}')
    assert table.renumber().model_dump_json() == '{"rows":[{"number":2,"colour":{"name":"red"}}],"title":"a"}'


def test_an_edit_of_a_field_that_does_not_exist_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="Row has no such field: nunber"):
        Row(number=1).misspell()
