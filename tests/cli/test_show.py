"""What `vigil show` says of a verification."""

from rich.console import Console

from cli.show import state_table
from domain.reducer import heard
from domain.watch import summary
from tests.domain.samples import PLAN, fresh, notice, step


def said(*unknown_fields: str) -> str:
    record = heard(fresh(), notice(step(1, 2, "phone")).model_copy(update={"unknown_fields": unknown_fields}))
    console = Console(width=120)
    with console.capture() as captured:
        console.print(state_table(summary(record, PLAN), record))
    return captured.get()


def test_fields_that_we_do_not_know_are_named_as_they_came() -> None:
    assert "fields we do not know  enrollment_step.score, odd:smile:" in said("odd:smile:", "enrollment_step.score")


def test_nothing_is_said_of_unknown_fields_where_there_are_none() -> None:
    assert "fields we do not know" not in said()
