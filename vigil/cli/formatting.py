"""How verifications are shown to people: a verdict in its colour, times without clutter."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from vigil.domain.terms import Stage

_COLOURS: Final = {"approved": "green", "declined": "red"}
_OVER: Final = {Stage.CONCLUDED.value, Stage.COMPLETE.value}


def standing(state: Mapping[str, Any]) -> Text:
    """Say in a few words where a verification stands; `state` has stage, outcome and decision in coded words."""
    stage, verdict = str(state.get("stage") or ""), str(state.get("decision") or state.get("outcome") or "")
    if not verdict:
        return Text(spaced(stage))
    text = Text(spaced(verdict), style=_COLOURS.get(verdict, "yellow"))
    return text.append(f", {stage}" if stage in _OVER else f", {spaced(stage)}", style="dim")


def spaced(word: object) -> str:
    """Return a coded word as people write it; nothing for None."""
    return str(word).replace("_", " ") if word is not None else ""


def clock(instant: datetime | None) -> str:
    """Return a time in UTC, without the date where it is today's."""
    if instant is None:
        return ""
    instant = instant.astimezone(UTC)
    is_today = instant.date() == datetime.now(UTC).date()
    return f"{instant:%H:%M:%S}" if is_today else f"{instant:%Y-%m-%d %H:%M}"
