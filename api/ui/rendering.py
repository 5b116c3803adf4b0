"""How pages are written: templates, formats, and the headers that keep a browser to this origin."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from vigil.domain.terms import spell

HERE: Final = Path(__file__).parent

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # With `no-referrer` a browser would not say which page a form comes from.
    "Referrer-Policy": "same-origin",
}
_SHOWN_IN_BYTES: Final = 10_000
_CODE: Final = re.compile("`([^`]+)`")


def render(template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(context), status, _HEADERS)


def format_time(instant: datetime | None) -> Markup | str:
    """Return a time in UTC with its date, marked up for machines."""
    if instant is None:
        return ""
    shown = instant.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(shown.isoformat(), f"{shown:%-d %b %H:%M:%S} UTC")


def format_age(instant: datetime | None, now: datetime) -> str:
    """Return how far a time is from now, in its largest unit: `3 min ago`, `in 2 h`."""
    if instant is None:
        return ""
    distance = abs(now - instant)
    units = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))
    size, unit = next(((size, unit) for size, unit in units if distance >= size), (timedelta(seconds=1), "s"))
    number = distance // size
    return f"{number} {unit} ago" if instant <= now else f"in {number} {unit}"


def format_size(size: int | None) -> str:
    """Return a size in bytes with its unit."""
    if size is None:
        return ""
    return f"{size:,} B" if size < _SHOWN_IN_BYTES else f"{size // 1000:,} kB"


def mark_code(sentence: str) -> Markup:
    """Return a sentence in which the names between backticks are marked up as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 -- escaped first


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(spell=spell, time=format_time, age=format_age, size=format_size, code=mark_code)
