"""Telling one story: at the simulator and at our API, as a backend would, until both have come to their end."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from vigil.client import VerificationClient
from vigil.domain.record import EntryKind
from vigil.domain.sender_contract import AnswerMeaning
from vigil.domain.terms import ArtifactState, Stage
from vigil.domain.verification_key import VerificationKey
from vigil.simulator.story import Registers, Story

REOPENED: Final = "reopened"
AT_ONCE: Final = 12
"""So many stories are told at the same time, however many there are: more would each take longer.

A sender waits a real second at least for our answer, and a machine that is drowned in stories does not keep to it.
"""
APART: Final = timedelta(seconds=0.2)
"""The first begin one after the other, so that they do not all send their callbacks at once."""
ENDS_WITHIN: Final = timedelta(minutes=2)
_NEWS_WITHIN: Final = timedelta(seconds=1)
_RELAYED_WITHIN: Final = timedelta(seconds=10)
"""A callback that we took may reach its verification later, and one that repeats another need not reach it at all."""
_SOON: Final = timedelta(seconds=0.2)


class StoryFailed(Exception):
    """The story could not be told; the text says where it broke off."""


@dataclass
class StoryRun:
    """One story, as far as it has been told; `seen` is what our API says, the rest is counted by others.

    `scenario` and `registration` are whole: what the account says of every one is in them.
    """

    story: Story
    provider: str
    scenario: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registration: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    seen: Mapping[str, Any] = field(default_factory=dict)
    meant: int = 0
    reads: int = 0
    events: int = 0
    messages: Sequence[str] = ()
    sent: int | None = None
    took: timedelta = timedelta(0)
    is_over: bool = False
    broke: str | None = None

    @property
    def observed(self) -> Mapping[str, Any]:
        """What came of all that the story expects something of."""
        facts = {**_facts(self.seen), "messages": list(self.messages), "sent": self.sent}
        return {name: facts.get(name) for name in self.story.expected} if self.broke is None else {"broke": self.broke}

    @property
    def is_ok(self) -> bool:
        """Whether exactly what was expected came of it."""
        return self.is_over and self.observed == self.story.expected

    @property
    def heard(self) -> int:
        """How many callbacks the verification has heard."""
        return int((self.seen.get("record") or {}).get("heard", 0))

    def shown(self) -> Mapping[str, Any]:
        """Return the story as programs read it."""
        return {
            "account": self.story.account,
            "provider": self.provider,
            "sender": self.story.sender,
            "story": self.story.title,
            "expected": dict(self.story.expected),
            "observed": dict(self.observed),
            "ok": self.is_ok,
            "callbacks_meant": self.meant,
            "callbacks_received": self.heard,
            "polls": self.reads,
            "events": self.events,
            "seconds": round(self.took.total_seconds(), 1),
        }


def _facts(seen: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everything that a story may expect something of."""
    state, record = seen.get("state") or {}, seen.get("record") or {}
    evidence = [row["state"] for row in record.get("evidence", [])]
    return {
        "stage": state.get("stage"),
        "session_kind": record.get("session_kind"),
        "outcome": state.get("outcome"),
        "decision": state.get("decision"),
        "registered": state.get("registered"),
        "revisions": state.get("revision"),
        "verdicts": [verdict["decision"] or verdict["outcome"] or REOPENED for verdict in record.get("revisions", [])],
        "attention": [note["reason"] for note in state.get("attention", [])],
        "heard": record.get("heard"),
        "missed": record.get("missed"),
        "duplicates": record.get("duplicates"),
        "late": record.get("late"),
        "evidence_stored": evidence.count(ArtifactState.STORED),
        "evidence_lost": evidence.count(ArtifactState.LOST),
        "losses": sorted({row["loss"] for row in record.get("evidence", []) if row.get("loss")}),
    }


class StoryRunner:
    """Tells stories over HTTP."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        tracker: VerificationClient,
        *,
        api: str,
        simulator: str,
    ) -> None:
        self._http = http
        self._tracker = tracker
        self._api = f"{api}/verifications"
        self._control = f"{simulator}/control"

    async def run_all(self, told: Iterable[StoryRun]) -> None:
        """Tell stories to their ends, some at a time and the longest first."""
        waiting = iter(sorted(told, key=lambda one: one.story.lasts, reverse=True))

        async def one_after_the_other(*, after: timedelta) -> None:
            await asyncio.sleep(after.total_seconds())
            for one in waiting:
                await self.tell(one)

        await asyncio.gather(*(one_after_the_other(after=APART * n) for n in range(AT_ONCE)))

    async def tell(self, told: StoryRun) -> None:
        """Tell a story to its end, keeping `told` up to date; what breaks is told there too."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
                await self._tell(told)
        except TimeoutError:
            told.broke = f"did not end within {ENDS_WITHIN.seconds} s"
        except (StoryFailed, httpx.HTTPError) as error:
            told.broke = str(error) or type(error).__name__
        told.took = timedelta(seconds=time.monotonic() - began)
        told.is_over = True

    async def _tell(self, told: StoryRun) -> None:
        story, plays = told.story, f"{self._control}/{told.provider}/verifications"
        play = await self._asked("POST", plays, json=told.scenario)
        told.reference = play["reference"]
        await self._register(told, play["coordinates"])
        await self._follow(told)
        if story.afterwards is not None:
            await self._asked("POST", f"{plays}/{told.reference}/events", json=story.afterwards)
            await self._follow(told)
        told.messages = await self._messages(told)
        told.events = await self._events(told)
        if story.messages_to is not None:
            told.sent = await self._sent(story.messages_to)

    async def _register(self, told: StoryRun, coordinates: Mapping[str, str]) -> None:
        story = told.story
        if story.registers in {Registers.AFTER_A_CALLBACK, Registers.NEVER}:
            await self._until_known(told)
        if story.registers is Registers.NEVER:
            return
        known: dict[str, Any] = {"coordinates": coordinates}
        if story.registers is not Registers.BY_COORDINATES:
            known["reference"] = told.reference
        order = {**told.registration, "account": story.account, **known}
        while True:
            answer = await self._http.post(self._api, json=order)
            if answer.status_code != httpx.codes.CONFLICT:
                break
            await asyncio.sleep(_SOON.total_seconds())  # there is nothing yet that the coordinates lead to
        if _content(answer)["reference"] != told.reference:
            raise StoryFailed("another verification was registered than the one that is played")

    async def _until_known(self, told: StoryRun) -> None:
        while True:
            if await self._look(told, wait=timedelta(0)):
                return
            await asyncio.sleep(_SOON.total_seconds())

    async def _follow(self, told: StoryRun) -> None:
        """Return when the provider has no callback left to send, and then nothing more is to be done about it."""
        patient_until = None
        while True:
            play = await self._play(told)
            seen = await self._look(told, wait=_NEWS_WITHIN)
            if play["finished"] and _is_complete(seen):
                patient_until = patient_until or time.monotonic() + _RELAYED_WITHIN.total_seconds()
                if told.heard >= _accepted(play) or time.monotonic() > patient_until:
                    break
            await asyncio.sleep(_SOON.total_seconds())
        # Once more: state and record are two looks, and a last callback may have come between them.
        await self._look(told, wait=timedelta(0))
        await self._play(told)

    async def _look(self, told: StoryRun, *, wait: timedelta) -> Mapping[str, Any]:
        sequence = (told.seen.get("state") or {}).get("sequence", 0)
        news = {"wait": wait.seconds, "after_sequence": sequence} if not _is_complete(told.seen) else {}
        answer = await self._http.get(f"{self._api}/{told.story.account}/{told.reference}", params=news)
        if answer.status_code != httpx.codes.NOT_FOUND:
            told.seen = _content(answer)
        return told.seen

    async def _play(self, told: StoryRun) -> Mapping[str, Any]:
        play = await self._asked("GET", f"{self._control}/{told.provider}/verifications/{told.reference}")
        told.meant, told.reads = len(play["meant"]), play["reads"]
        return play

    async def _messages(self, told: StoryRun) -> Sequence[str]:
        """Say of each message that the provider asked us to send which it was and what became of it."""
        timeline = await self._asked("GET", f"{self._api}/{told.story.account}/{told.reference}/timeline")
        return [" ".join(entry["words"]) for entry in timeline["entries"] if entry["kind"] == EntryKind.MESSAGE]

    async def _sent(self, address: str) -> int:
        """Count the messages that came to an address, where they come out."""
        by_sms = await self._asked("GET", f"{self._control}/gateway")
        by_email = await self._asked("GET", f"{self._control}/mail")
        came = [body["to"] for body in by_sms["sent"]]
        came += [to for mail in by_email["taken"] for to in mail["to"]]
        return came.count(address)

    async def _events(self, told: StoryRun) -> int:
        """Count the events of all runs: a callback after completion opens another one."""
        key = VerificationKey(account=told.story.account, reference=told.reference)
        query = f"WorkflowId = '{self._tracker.handle(key).id}'"
        while True:
            runs = [run async for run in self._tracker.client.list_workflows(query)]
            # What lists show comes a moment after what happened.
            if runs and all(run.close_time for run in runs):
                return sum(run.history_length or 0 for run in runs)
            await asyncio.sleep(_SOON.total_seconds())

    async def _asked(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        return _content(await self._http.request(method, url, **more))


def _is_complete(seen: Mapping[str, Any]) -> bool:
    stage = (seen.get("state") or {}).get("stage")
    return stage == Stage.COMPLETE and not seen["is_open"] and seen["record"] is not None


def _accepted(play: Mapping[str, Any]) -> int:
    attempts = [attempt for meant in play["meant"] for attempt in meant["attempts"]]
    return sum(attempt["meaning"] == AnswerMeaning.ACCEPTED for attempt in attempts)


def _content(answer: httpx.Response) -> Mapping[str, Any]:
    if not answer.is_success:
        raise StoryFailed(f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code}")
    content: Mapping[str, Any] = answer.json()
    return content
