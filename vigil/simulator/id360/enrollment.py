"""One enrollment at ID360: plays its script and knows what its report says."""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vigil.providers.id360.senders import CONTRACT
from vigil.simulator.engine import Engine, Event, Faults
from vigil.simulator.id360 import payloads
from vigil.simulator.id360.scenario import AfterCanceled, AfterDeleted, ExtraCallback, Id360Scenario
from vigil.simulator.id360.script import DELETED, Beat, code_of, reported, script
from vigil.simulator.play import Intention, Play, PlayView


class Enrollment(Play):
    """A play of ID360, on contract time."""

    def __init__(self, reference: int, scenario: Id360Scenario, engine: Engine, *, logins_before: int) -> None:
        super().__init__(str(reference), scenario, began=engine.clock.now())
        self.scenario: Id360Scenario = scenario
        self.number = reference
        self.api_key = secrets.token_hex(64)
        self.created_at = datetime.now(UTC)
        self.beats = script(scenario, reference)
        self._engine = engine
        self._logins_before = logins_before
        engine.begin(self._play())

    def created(self) -> dict[str, Any]:
        """Return ID360's answer to the creation."""
        return payloads.enrollment(self.scenario, self.number, api_key=self.api_key, created_at=self.created_at)

    def is_down(self) -> bool:
        """Whether the report is in an outage of this enrollment."""
        return self.scenario.is_down(self._engine.clock.now() - self.began)

    def report(self, *, base: str, allow_draft: bool) -> tuple[int, dict[str, Any] | None]:
        """Return the status code and the body of the report as of now."""
        beat = self._reported()
        after = self.scenario.after_canceled if beat.status == "CANCELED" else AfterCanceled.REPORT_200
        if after is AfterCanceled.REPORT_404 or self._is_gone(beat):
            return 404, None
        if after is AfterCanceled.REPORT_202_FOREVER or not (beat.is_final or allow_draft):
            return 202, None
        return 200, payloads.report(
            self.scenario,
            self.number,
            status=beat.status,
            reason=beat.reason,
            done=beat.done,
            created_at=self.created_at,
            base=base,
        )

    def documents(self) -> Mapping[int, tuple[str, int]]:
        """Return the documents that can be downloaded now: id → slot and count of pages."""
        beat = self._reported()
        if beat.status == DELETED:
            return {}
        return payloads.documents(self.scenario.steps, beat.done, self.number)

    def send(self, extra: ExtraCallback) -> None:
        """Send one more callback now."""
        now = self._engine.clock.now() - self.began
        done = len(self.scenario.steps) if extra.done is None else extra.done
        beat = Beat(
            at=now,
            reported_at=now,
            status=extra.status,
            reason=extra.reason,
            done=min(done, len(self.scenario.steps)),
            name=f"extra {extra.status}",
            code=code_of(extra.status),
            body=payloads.worded(self.scenario, self.number, extra, done=done),
            faults=Faults(wrong_secret=extra.wrong_secret),
        )
        if extra.changes_report:
            self.beats = (*self.beats, beat)
        self._tell(beat)

    def view(self, *, logins: int) -> PlayView:
        """Return all that is known of the play; `logins` counts those at the whole of ID360 so far."""
        return PlayView(
            provider=CONTRACT.sender,
            reference=self.reference,
            finished=self.finished,
            will=tuple(
                Intention(at=beat.at, what=beat.name, callback=beat.code is not None and self.scenario.callbacks)
                for beat in self.beats
            ),
            meant=self.meant(),
            reads=self.reads,
            logins=logins - self._logins_before,
            downloads=dict(self.downloads),
        )

    async def _play(self) -> None:
        # The rest needs no playing: what the report says follows from the enrollment's age.
        for beat in [beat for beat in self.beats if beat.body is not None]:
            await self._engine.clock.sleep_until(self.began + beat.at)
            if self.scenario.callbacks:
                self._tell(beat)
        self.script_ended = True

    def _tell(self, beat: Beat) -> None:
        if beat.body is None:
            return
        event = Event(name=beat.name, content=json.dumps(beat.body).encode(), headers=payloads.HEADERS)
        for endpoint in self.scenario.endpoints:
            if beat.code in endpoint.on:
                self.deliveries.append(
                    self._engine.deliver(
                        CONTRACT,
                        event,
                        endpoint,
                        faults=beat.faults,
                        redeliveries=self.scenario.redeliveries,
                    )
                )

    def _reported(self) -> Beat:
        return reported(self.beats, self._engine.clock.now() - self.began)

    def _is_gone(self, beat: Beat) -> bool:
        return beat.status == DELETED and self.scenario.after_deleted is AfterDeleted.REPORT_404
