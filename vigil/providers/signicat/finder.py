"""Finds processes without their id: by their dossier, or by the time of their creation."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.domain.errors import ProviderUnavailable, ReferenceUnknown
from vigil.providers.contract import Coordinate, FoundVerification
from vigil.providers.parsing import NotReadable, as_count, as_instant, as_object, parse_json
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.wire import ID_PATTERN, read_id, reference_of

DOSSIER_ID: Final = "dossier_id"
CREATED_AFTER: Final = "created_after"
COORDINATES: Final = (
    Coordinate(
        name=DOSSIER_ID,
        pattern=ID_PATTERN,
        description="the dossier's id, if you do not know the process's: hosted capture does not return it",
        is_required=False,
        normalise=lambda text: read_id(text) or text,
    ),
    Coordinate(
        name=CREATED_AFTER,
        pattern=r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
        description="an instant: processes of the dossier created before it belong to another attempt",
        is_required=False,
    ),
)

_PAGE: Final = 500
_LAST_OFFSET: Final = 200_000
"""Documented: larger offsets are refused."""
_NO_TOTAL: Final = 10**9
"""Used if the list gives no total: its pages end with the first empty one."""
_LISTED_FOR: Final = timedelta(days=30)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SignicatFinder:
    """Finds the references of one account. It only reads."""

    by: tuple[str, ...] = (DOSSIER_ID,)

    def __init__(self, api: AssureApi) -> None:
        """Take the account's API."""
        self._api = api

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        """Return the processes of a dossier, newest first. Raises as `contract.Reader.read`."""
        dossier = read_id(coordinates[DOSSIER_ID])
        if dossier is None:
            raise ReferenceUnknown("not_a_dossier")
        after = _created_after(coordinates)
        content = _parse(await self._api.get(f"/dossiers/{dossier}"))
        found = [each for entry in _processes(content) if (each := _read_entry(dossier, entry, undated=_LONG_AGO))]
        found = [each for each in found if each.created_at >= after]
        return sorted(found, key=lambda each: (each.created_at, each.reference), reverse=True)

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        """List the processes created at or after `since` and before `until`. Raises as `contract.Reader.read`.

        Signicat lists the last 30 days only, without deleted processes (documented). A window with more processes than
        can be paged through raises `ProviderUnavailable`: a narrower one can be read.
        """
        # Signicat gives whole seconds (documented), so a process created right after `since` may seem older.
        since = max(since, datetime.now(UTC) - _LISTED_FOR).replace(microsecond=0)
        offset, total, fewest = 0, 1, _NO_TOTAL
        while offset < total:
            if offset > _LAST_OFFSET:
                raise ProviderUnavailable("too_many_processes")
            content = _parse(await self._api.get("/processes", **_window(since, until), offset=offset, limit=_PAGE))
            entries = list(_processes(content))
            for entry in entries:
                each = _read_entry(_dossier_of(entry), entry, undated=since)
                if each is not None and since <= each.created_at < until:
                    yield each
            total = _total(content) if entries else 0
            # If processes were deleted meanwhile, later ones may have moved to a page that we have read.
            moved = min(offset, max(0, fewest - total)) if entries else 0
            fewest = min(fewest, total)
            offset += -moved if moved else len(entries)


def _parse(content: bytes) -> Any:
    """Parse an answer. Raises `ProviderUnavailable` for anything but JSON: a proxy's page, or half an answer."""
    try:
        return parse_json(content)
    except NotReadable as error:
        raise ProviderUnavailable(error.why) from None


def _created_after(coordinates: Mapping[str, str]) -> datetime:
    if CREATED_AFTER not in coordinates:
        return _LONG_AGO
    after = as_instant(coordinates[CREATED_AFTER])
    if after is None:
        # 30 February has the right form. Without a limit, an earlier attempt would be taken for this one.
        raise ReferenceUnknown("not_an_instant")
    # Signicat gives whole seconds (documented), so a process created in the same second may seem older.
    return after.replace(microsecond=0)


def _read_entry(dossier: object, entry: Mapping[str, Any], *, undated: datetime) -> FoundVerification | None:
    reference = reference_of(dossier, entry.get("processId"))
    if reference is None:
        return None
    return FoundVerification(reference=reference, created_at=as_instant(entry.get("createdAt")) or undated)


def _window(since: datetime, until: datetime) -> dict[str, str]:
    # Signicat counts in seconds, so we request a slightly wider window.
    return {
        "startCreationDate": _seconds(since),
        "endCreationDate": _seconds(until + timedelta(seconds=1)),
    }


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _total(content: Any) -> int:
    count = as_count(as_object(content).get("totalResults"), largest=_NO_TOTAL)
    return _NO_TOTAL if count is None else count


def _processes(content: Any) -> Iterator[dict[str, Any]]:
    entries = as_object(content).get("processes")
    if not isinstance(entries, list):
        # An answer of another shape must never count as an empty list.
        raise ProviderUnavailable("wrong_shape")
    return map(as_object, entries)


def _dossier_of(entry: Mapping[str, Any]) -> object:
    """Return the id in `dossier`: an object with `dossierId`, or the id itself. Its shape is unknown."""
    dossier = entry.get("dossier")
    return dossier.get("dossierId") if isinstance(dossier, dict) else dossier
