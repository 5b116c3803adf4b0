"""What each provider's references and coordinates look like. A test compares it with the real providers."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

_LONGEST: Final = 200
_VISIBLE: Final = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID: Final = "[A-Za-z0-9-]{1,64}"
_JOB: Final = re.compile("job_[0-9a-hjkmnp-tv-z]{26}", re.IGNORECASE)


@dataclass(frozen=True)
class FakeCoordinate:
    """One coordinate: the pattern of its value in its one spelling."""

    pattern: str
    spell: Callable[[str], str] = str
    """Returns the one spelling of a value."""


@dataclass(frozen=True)
class ProviderRules:
    """What a registration with an account of this provider must look like."""

    reference: str = rf"(?s:.{{1,{_LONGEST}}})"
    spell: Callable[[str], str] = str
    """Returns the one spelling of a reference that has the form."""
    form: str = "it is a text of 1 to 200 characters"
    """The form of a reference in a clause, as the API says it."""
    senders: tuple[str, ...] = ()
    """Empty: any name is taken."""
    coordinates: Mapping[str, FakeCoordinate] = field(default_factory=dict)
    found_by: tuple[str, ...] = ()
    """Coordinates by which the provider finds a verification without its reference."""

    def read_reference(self, text: str) -> str | None:
        """Return a reference in its one spelling; None if no verification of the provider can have it."""
        stripped = _strip(text)
        is_one = 0 < len(stripped) <= _LONGEST and re.fullmatch(self.reference, stripped)
        return self.spell(stripped) if is_one else None

    def read_coordinate(self, name: str, text: str) -> str | None:
        """Return a coordinate in its one spelling; None if it does not fit."""
        rule = self.coordinates.get(name, FakeCoordinate(r"(?s:.+)"))
        value = rule.spell(_strip(text))
        return value if re.fullmatch(rule.pattern, value) else None


def _strip(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _without_zeros(number: str) -> str:
    return str(int(number))


def _small_uuids(ids: str) -> str:
    parts = (each.strip() for each in ids.split(":"))
    return ":".join(each.lower() if _UUID.fullmatch(each) else each for each in parts)


def _small_job(job: str) -> str:
    return job.lower() if _JOB.fullmatch(job) else job


_INSTANT: Final = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
RULES: Final[Mapping[str, ProviderRules]] = {
    "id360": ProviderRules(
        "[0-9]{1,19}", _without_zeros, "it is the number in `id` of the user file, such as 700102", ("id360",)
    ),
    "identomat": ProviderRules(
        "[!-~]{1,200}",
        form="it is the session token that `begin` returns, in letters and digits without blanks",
        senders=("identomat",),
    ),
    "signicat": ProviderRules(
        rf"{_ID}\s*:\s*{_ID}",
        _small_uuids,
        "it is `dossierId:processId`",
        ("connect", "electronic-identification", "events", "onfido", "other", "paper", "readid"),
        coordinates={"dossier_id": FakeCoordinate(_ID, spell=_small_uuids), "created_after": FakeCoordinate(_INSTANT)},
        found_by=("dossier_id",),
    ),
    "smile_id": ProviderRules(
        _VISIBLE + "{1,200}",
        _small_job,
        "it is the job id, of up to 200 characters that can be printed",
        ("v1", "v3"),
        coordinates={
            "user_id": FakeCoordinate(_VISIBLE + "{1,128}"),
            "job_type": FakeCoordinate("[1-9]|1[0-2]"),
            "product": FakeCoordinate("[a-z0-9_]{1,64}"),
        },
    ),
}
"""By provider. An account of any other provider takes every reference."""
