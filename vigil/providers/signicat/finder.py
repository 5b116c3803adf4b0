"""Finding processes whose id nobody told us: by their dossier, or by when they were created."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vigil.domain.errors import ProviderUnavailable, ReferenceUnknown
from vigil.providers.contract import Coordinate, FoundVerification
from vigil.providers.parsing import as_count, as_instant, as_object
from vigil.providers.signicat.assure import AssureApi, parsed
from vigil.providers.signicat.wire import ID_PATTERN, is_id, reference_of

DOSSIER_ID: Final = "dossier_id"
CREATED_AFTER: Final = "created_after"
COORDINATES: Final = (
    Coordinate(
        name=DOSSIER_ID,
        pattern=ID_PATTERN,
        description="the dossier's id, where the process's is not known: hosted capture does not tell it",
        is_required=False,
    ),
    Coordinate(
        name=CREATED_AFTER,
        pattern=r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
        description="an instant: processes of the dossier that were created before it are another attempt's",
        is_required=False,
    ),
)

_PAGE: Final = 500
_LAST_OFFSET: Final = 200_000
"""Documented: beyond it nothing can be asked for."""
_NO_TOTAL: Final = 10**9
"""Where the list tells no total, its pages end with the first empty one."""
_LISTED_FOR: Final = timedelta(days=30)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SignicatFinder:
    """Finds the references of one account; only reads."""

    by: tuple[str, ...] = (DOSSIER_ID,)

    def __init__(self, api: AssureApi) -> None:
        """Take the account's API."""
        self._api = api

    async def find(self, coordinates: Mapping[str, str]) -> Sequence[FoundVerification]:
        """Return the processes of a dossier, the newest first. Raises as the contract says."""
        dossier = coordinates[DOSSIER_ID]
        if not is_id(dossier):
            raise ReferenceUnknown("not_a_dossier")
        after = _created_after(coordinates)
        told = parsed(await self._api.get(f"/dossiers/{dossier}"))
        found = [each for entry in _processes(told) if (each := _found(dossier, entry, undated=_LONG_AGO))]
        found = [each for each in found if each.created_at >= after]
        return sorted(found, key=lambda each: (each.created_at, each.reference), reverse=True)

    async def list_created(self, *, since: datetime, until: datetime) -> AsyncIterator[FoundVerification]:
        """List what was created from `since` on and before `until`. Raises as the contract says.

        Signicat tells of the last 30 days only, and not of what was deleted (documented). A window that holds more
        than can be paged through is `ProviderUnavailable`: a narrower one can be read.
        """
        # Signicat tells whole seconds (documented), so what was created right after `since` may seem to be before it.
        since = max(since, datetime.now(UTC) - _LISTED_FOR).replace(microsecond=0)
        offset, total, fewest = 0, 1, _NO_TOTAL
        while offset < total:
            if offset > _LAST_OFFSET:
                raise ProviderUnavailable("too_many_processes")
            told = parsed(await self._api.get("/processes", **_window(since, until), offset=offset, limit=_PAGE))
            entries = list(_processes(told))
            for entry in entries:
                each = _found(_dossier_of(entry), entry, undated=since)
                if each is not None and since <= each.created_at < until:
                    yield each
            total = _total(told) if entries else 0
            # Where some were deleted meanwhile, what stood behind them may have moved onto a page that was read.
            moved = min(offset, max(0, fewest - total)) if entries else 0
            fewest = min(fewest, total)
            offset += -moved if moved else len(entries)


def _created_after(coordinates: Mapping[str, str]) -> datetime:
    if CREATED_AFTER not in coordinates:
        return _LONG_AGO
    after = as_instant(coordinates[CREATED_AFTER])
    if after is None:
        # 30 February has the right form. Without the bound an earlier attempt would be taken for the one meant.
        raise ReferenceUnknown("not_an_instant")
    # Signicat tells whole seconds (documented), so what was created in the same second may seem to be before it.
    return after.replace(microsecond=0)


def _found(dossier: object, entry: Mapping[str, Any], *, undated: datetime) -> FoundVerification | None:
    reference = reference_of(dossier, entry.get("processId"))
    if reference is None:
        return None
    return FoundVerification(reference=reference, created_at=as_instant(entry.get("createdAt")) or undated)


def _window(since: datetime, until: datetime) -> dict[str, str]:
    # Signicat counts in seconds, so the window is asked for a little wider than it is.
    return {
        "startCreationDate": _seconds(since),
        "endCreationDate": _seconds(until + timedelta(seconds=1)),
    }


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _total(told: Any) -> int:
    count = as_count(as_object(told).get("totalResults"), largest=_NO_TOTAL)
    return _NO_TOTAL if count is None else count


def _processes(told: Any) -> Iterator[dict[str, Any]]:
    entries = as_object(told).get("processes")
    if not isinstance(entries, list):
        # Nothing found must never be read out of an answer that says something else.
        raise ProviderUnavailable("wrong_shape")
    return map(as_object, entries)


def _dossier_of(entry: Mapping[str, Any]) -> object:
    """Return the id in `dossier`, whose shape is unknown: an object with `dossierId`, or the id itself."""
    dossier = entry.get("dossier")
    return dossier.get("dossierId") if isinstance(dossier, dict) else dossier
