"""What `vigil show` prints of a verification."""

from rich.console import Console

from tests.domain.samples import PLAN, callback_event, fresh, step
from vigil.cli.show import build_state_table
from vigil.domain.callbacks import apply_callback
from vigil.domain.summary import summarize


def printed(*unknown_fields: str) -> str:
    record = apply_callback(
        fresh(), callback_event(step(1, 2, "phone")).model_copy(update={"unknown_fields": unknown_fields})
    )
    console = Console(width=120)
    with console.capture() as captured:
        console.print(build_state_table(summarize(record, PLAN), record))
    return captured.get()


def test_unknown_fields_are_named_as_the_provider_spells_them() -> None:
    assert "unknown fields  enrollment_step.score, odd:smile:" in printed("odd:smile:", "enrollment_step.score")


def test_without_unknown_fields_there_is_no_row_for_them() -> None:
    assert "unknown fields" not in printed()
