"""What `vigil show` says of a verification."""

from rich.console import Console

from tests.domain.samples import PLAN, fresh, notice, step
from vigil.cli.show import state_table
from vigil.domain.callbacks import apply_callback
from vigil.domain.timers import summary


def said(*unknown_fields: str) -> str:
    record = apply_callback(fresh(), notice(step(1, 2, "phone")).model_copy(update={"unknown_fields": unknown_fields}))
    console = Console(width=120)
    with console.capture() as captured:
        console.print(state_table(summary(record, PLAN), record))
    return captured.get()


def test_fields_that_we_do_not_know_are_named_as_they_came() -> None:
    assert "fields we do not know  enrollment_step.score, odd:smile:" in said("odd:smile:", "enrollment_step.score")


def test_nothing_is_said_of_unknown_fields_where_there_are_none() -> None:
    assert "fields we do not know" not in said()
