"""The list over all dossiers: its parameters and its pages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from vigil.domain.models import MessageModel
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.payloads import State

Moment = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))]


class Listing(MessageModel):
    """The parameters of one request. It filters by the time of creation, not by that of the last change."""

    startCreationDate: Moment  # noqa: N815 -- its name on the wire
    endCreationDate: Moment | None = None  # noqa: N815
    offset: Annotated[int, Field(ge=0, le=200_000)] = 0
    limit: Annotated[int, Field(ge=1, le=2_000)] = 100

    def page(self, states: Iterable[State]) -> dict[str, Any]:
        """Return one page, the newest process first."""
        until = self.endCreationDate or datetime.max.replace(tzinfo=UTC)
        found = sorted(
            (state for state in states if self.startCreationDate <= state.created_at <= until),
            key=lambda state: (state.created_at, state.ids[1]),
            reverse=True,
        )
        return {
            "processes": [payloads.listed(state) for state in found[self.offset : self.offset + self.limit]],
            "filters": self.model_dump(mode="json", exclude={"offset", "limit"}),
            "totalResults": len(found),
        }
