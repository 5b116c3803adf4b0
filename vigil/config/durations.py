"""Durations as the settings write them."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "y": timedelta(days=365),
}


def _duration(given: Any) -> Any:
    if not isinstance(given, str) or given.lstrip("+-").startswith("P"):
        return given
    short = re.fullmatch(r"(\d{1,9})([smhdy])", given)
    if short is None:
        raise ValueError("is no duration: write 90s, 15m, 2h, 7d or 3y")
    try:
        return int(short[1]) * _UNITS[short[2]]
    except OverflowError:
        raise ValueError("is too long") from None


def _positive(duration: timedelta) -> timedelta:
    if duration < timedelta(0):
        raise ValueError("a duration cannot be negative")
    return duration


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_positive)]
"""`90s`, `15m`, `2h`, `7d`, `3y` (of 365 days), or ISO 8601 (`P7D`, `PT15M`)."""
