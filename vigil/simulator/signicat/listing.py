"""The list over all dossiers: what may be asked of it, and what it answers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from starlette.datastructures import QueryParams

from vigil.domain.terms import Frozen
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.payloads import Standing
from vigil.simulator.signicat.scenario import SignicatScenario

Moment = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))]


class InvalidListing(ValueError):
    """Something is asked that the list does not answer."""


class Listing(Frozen):
    """One question to the list. It filters by the time of creation, never by that of the last change."""

    startCreationDate: Moment  # noqa: N815 -- its name on the wire
    endCreationDate: Moment | None = None  # noqa: N815
    status: tuple[str, ...] = ()
    offset: Annotated[int, Field(ge=0, le=200_000)] = 0
    limit: Annotated[int, Field(ge=1, le=2_000)] = 100
    order: Literal["createdAtDescending", "createdAtAscending"] = "createdAtDescending"

    def answer(self, found: Iterable[tuple[SignicatScenario, Standing]]) -> dict[str, Any]:
        """Return one page, newest first unless it was asked otherwise."""
        wanted = sorted(
            (each for each in found if self._holds(each[1])),
            key=lambda each: (each[1].created_at, each[1].ids.process),
            reverse=self.order == "createdAtDescending",
        )
        page = wanted[self.offset : self.offset + self.limit]
        return {
            "processes": [payloads.listed(scenario, standing) for scenario, standing in page],
            "filters": self.model_dump(mode="json", exclude={"offset", "limit", "order"}),
            "totalResults": len(wanted),
        }

    def _holds(self, standing: Standing) -> bool:
        begins = self.startCreationDate <= standing.created_at
        ends = self.endCreationDate is None or standing.created_at <= self.endCreationDate
        return begins and ends and (not self.status or standing.status in self.status)


def asked(query: QueryParams) -> Listing:
    """Return what a query asks. Raises `InvalidListing` naming the parameter."""
    given: dict[str, Any] = {name: value for name, value in query.items() if name in Listing.model_fields}
    if "status" in query:
        given["status"] = query.getlist("status")
    try:
        return Listing.model_validate(given)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise InvalidListing(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
