"""What a message may say: a text of a usual length, and no link to a foreign host.

A provider's callback key travels in every callback. Whoever has read it once can ask us to send messages, so what they
can make us say to strangers is limited.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from vigil.domain.message import Channel

LONGEST_TEXT: Final = {Channel.SMS: 1_000, Channel.EMAIL: 20_000}
"""In characters. A longer SMS is paid for as many."""

_DOTS: Final = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61\u2024", "."))
_INVISIBLE: Final = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_NAME: Final = re.compile(r"[\w.-]+")
_AFTER_A_LINK: Final = ".,;:!?)]}>\"'"


def refuse_text(text: str, channel: Channel, hosts: Collection[str]) -> str | None:
    """Return why a text may not be sent, as a coded word; None if it may. Links may lead to `hosts` alone.

    The work grows with the length of the text and no faster: anybody who can request messages chooses it.
    """
    if len(text) > LONGEST_TEXT[channel]:
        return "text_too_long"
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).translate(_DOTS)).lower()
    return None if all(_is_own(word, hosts) for word in plain.split()) else "foreign_link"


def _is_own(word: str, hosts: Collection[str]) -> bool:
    """Whether a word leads nowhere but to the hosts. What follows the host of a link does not count as a name."""
    before, *links = word.split(":/")
    return all(_host_of(link) in hosts for link in links) and all(
        _is_of(name, hosts) for name in _names_in(before) if _looks_like_a_host(name)
    )


def _host_of(link: str) -> str | None:
    try:
        return urlsplit("//" + link.lstrip("/").rstrip(_AFTER_A_LINK)).hostname
    except ValueError:
        return None


def _names_in(word: str) -> list[str]:
    return [name for run in _NAME.findall(word) for name in run.strip(".-_").split("..")]


def _looks_like_a_host(name: str) -> bool:
    """Whether a telephone could make a link of it: `12.50` and `a.b` are none."""
    _, dot, last = name.strip(".").rpartition(".")
    return bool(dot) and len(last) > 1 and last[0].isalpha()


def _is_of(name: str, hosts: Collection[str]) -> bool:
    """Whether a name in a text is one of the hosts, or a domain above one: `example.com` for `id.example.com`."""
    return any(own == name or own.endswith(f".{name}") for own in hosts)
