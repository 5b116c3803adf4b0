"""What the campaign's own ledger says against what the product says: each count must be zero."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from faults.backend import Backend
from faults.forger import Forger
from faults.kept import Kept, is_about
from faults.ledger import Attempt, Journal
from faults.mix import Case
from faults.places import Places
from faults.receivers import MESSAGES, NOTIFICATIONS
from faults.start import FILES

MOST_EXAMPLES: Final = 8
COMPLETE: Final = "complete"
FILES_IN_CALLBACKS: Final = "smile-v3"
"""The account whose files are in callbacks only."""
ASKS_A_PERSON: Final = frozenset({"details_missing", "evidence_lost"})
BEAR_A_SECRET: Final = frozenset({"id360", "identomat", "assure"})
"""The accounts whose callbacks a secret proves."""


@dataclass
class Count:
    """How often something happened that never may, with a few examples."""

    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """Count one more."""
        self.examples.append(example)


ZEROS: Final = (
    "answered_but_missing",
    "wrong_ends",
    "hanging",
    "forged_that_changed_anything",
    "wrong_bytes",
    "undelivered_verdicts",
    "messages_sent_twice",
)


def verdicts_of(view: Any) -> list[str]:
    """Return the verdicts of a verification in order: the decision, or the outcome where there is none."""
    record = view.get("record") or {}
    named = [each["decision"] or each["outcome"] for each in record.get("revisions", [])]
    return [verdict for verdict in named if verdict]


def is_complete(view: Any) -> bool:
    """Return whether nothing is left to do."""
    state = (view or {}).get("state") or {}
    return bool(view) and not view["is_open"] and state.get("stage") == COMPLETE and bool(view.get("record"))


def is_right(case: Case, view: Any) -> bool:
    """Return whether a verification is as it must be at the end."""
    if case.end is None:
        return bool(view) and view["is_open"] and not _is_changed(view)
    return is_complete(view) and (fault_of(case, view) is None or is_left_to_a_person(case, view))


def fault_of(case: Case, view: Any) -> str | None:
    """Return what is wrong with a complete verification."""
    assert case.end is not None  # noqa: S101 -- the caller knows
    verdicts, evidence = verdicts_of(view), view["record"]["evidence"]
    if not verdicts or verdicts[-1] != case.end.verdicts[-1] or set(verdicts) - set(case.end.verdicts):
        return f"{' then '.join(verdicts) or 'no verdict'} instead of {' then '.join(case.end.verdicts)}"
    if not view["state"]["registered"]:
        return "it is not registered any more"
    stored = [row for row in evidence if row["state"] == "stored"]
    if len(stored) < case.end.files or len(stored) < len(evidence):
        lost = sorted({str(row["loss"] or row["state"]) for row in evidence if row["state"] != "stored"})
        return f"{len(stored)} of {max(case.end.files, len(evidence))} files, {', '.join(lost)}"
    return None


def is_left_to_a_person(case: Case, view: Any) -> bool:
    """Return whether nothing but files is missing that only a callback brings, and an attention asks a person.

    Such a provider repeats a callback for less than an hour: on fast time that is less than a minute.
    """
    raised = {each["reason"] for each in view["state"].get("attention", [])}
    verdicts = verdicts_of(view)
    is_decided = case.end is not None and verdicts[-1:] == [case.end.verdicts[-1]]
    return case.account == FILES_IN_CALLBACKS and is_decided and bool(raised & ASKS_A_PERSON)


def _is_changed(view: Any) -> bool:
    state = view.get("state") or {}
    return bool(state.get("outcome") or state.get("decision") or state.get("steps_done"))


@dataclass
class Judge:
    """Compares the ledger with what the API, the storage and Temporal hold."""

    cases: Sequence[Case]
    attempts: Sequence[Attempt]
    places: Places
    backend: Backend
    zeros: dict[str, Count] = field(default_factory=lambda: {name: Count() for name in ZEROS})
    files: int = 0
    """How many files were compared."""
    left_to_a_person: list[str] = field(default_factory=list)
    """Verifications whose provider no longer repeats what brings the files, with an attention that says so."""
    told_only: int = 0
    """How many callbacks were accepted without a receipt."""

    async def judge(self, views: Mapping[int, Any], kept: Kept, forger: Forger) -> None:
        """Count everything that never may happen."""
        self._judge_ends(views)
        await self._judge_callbacks(kept, views)
        await self._judge_forged(views, forger)
        await self._judge_files(views)
        self._judge_notifications(views)
        self._judge_messages()

    def _judge_ends(self, views: Mapping[int, Any]) -> None:
        for case in self.cases:
            view = views[case.number]
            if case.end is None:
                continue
            if not is_complete(view):
                stage = ((view or {}).get("state") or {}).get("stage")
                self.zeros["hanging"].add(f"{_name(case)}: {stage or 'not known'}")
            elif (fault := fault_of(case, view)) and is_left_to_a_person(case, view):
                self.left_to_a_person.append(f"{_name(case)}: {fault}")
            elif fault:
                self.zeros["wrong_ends"].add(f"{_name(case)}: {fault}")

    async def _judge_callbacks(self, kept: Kept, views: Mapping[int, Any]) -> None:
        messages = {entry["to"] for entry in Journal(self.places.folder / MESSAGES).read()}
        for attempt in self.attempts:
            if not attempt.is_accepted or kept.has(attempt):
                continue
            asked = next((case for case in self.cases if _asks(case, attempt.body)), None)
            if asked is not None:
                if asked.messages_to in messages or await self._has_message(asked):
                    continue
            elif await kept.was_told(attempt, self.cases):
                self.told_only += attempt.forged is None
                continue
            what = f"forged {attempt.forged}" if attempt.forged else "callback"
            faults = ", ".join(attempt.faults) or "no fault"
            self.zeros["answered_but_missing"].add(
                f"{what} of {attempt.account} at {attempt.sent_at:%H:%M:%S.%f}, {faults}"
            )
        self._judge_counted(views)
        for name in kept.pending:
            self.zeros["answered_but_missing"].add(f"still pending: {name}")

    def _judge_counted(self, views: Mapping[int, Any]) -> None:
        """Compare how many different callbacks were accepted with how many the verification has counted.

        Only where a secret is in the callback: what proves less may be accepted and not counted.
        """
        accepted: defaultdict[str, set[bytes]] = defaultdict(set)
        for attempt in self.attempts:
            if attempt.is_accepted and attempt.forged is None and attempt.account in BEAR_A_SECRET:
                accepted[attempt.account].add(attempt.body)
        for case in self.cases:
            bodies = [body for body in accepted[case.account] if is_about(case, body) and not _asks(case, body)]
            counted = ((views[case.number] or {}).get("record") or {}).get("received", 0)
            if case.end is not None and counted < len(bodies):
                self.zeros["answered_but_missing"].add(f"{_name(case)}: {counted} of {len(bodies)} callbacks counted")

    async def _has_message(self, case: Case) -> bool:
        entries = (await self.backend.timeline(case))["entries"]
        return any(entry["kind"] == "message" for entry in entries)

    async def _judge_forged(self, views: Mapping[int, Any], forger: Forger) -> None:
        zero = self.zeros["forged_that_changed_anything"]
        for case in self.cases:
            view = views[case.number]
            if case.end is None and (view is None or not view["is_open"] or _is_changed(view)):
                zero.add(f"{_name(case)}: it has changed though its applicant never finished")
        for account, reference in sorted(set(forger.ghosts)):
            if await self.backend.view(account, reference) is not None:
                zero.add(f"{account}: a verification that never existed is tracked")

    async def _judge_files(self, views: Mapping[int, Any]) -> None:
        served: defaultdict[str, set[str]] = defaultdict(set)
        for entry in Journal(self.places.folder / FILES).read():
            served[entry["reference"]].add(entry["sha256"])
        for case in self.cases:
            record = (views[case.number] or {}).get("record") or {}
            for row in record.get("evidence", []):
                if row["state"] != "stored":
                    continue
                content = await self.backend.file(case, row["name"])
                self.files += 1
                if hashlib.sha256(content).hexdigest() not in served[case.reference]:
                    self.zeros["wrong_bytes"].add(f"{_name(case)}: {row['name']}")

    def _judge_notifications(self, views: Mapping[int, Any]) -> None:
        newest: Counter[str] = Counter()
        for entry in Journal(self.places.folder / NOTIFICATIONS).read():
            if entry["type"] == "verification.revised":
                newest[entry["reference"]] = max(newest[entry["reference"]], entry["revision"] or 0)
        for case in self.cases:
            revisions = ((views[case.number] or {}).get("record") or {}).get("revisions", [])
            notified = max(newest[case.reference], newest[case.shown_as])
            if revisions and notified < len(revisions):
                self.zeros["undelivered_verdicts"].add(f"{_name(case)}: revision {len(revisions)}, notified {notified}")

    def _judge_messages(self) -> None:
        sent: defaultdict[str, set[str]] = defaultdict(set)
        for entry in Journal(self.places.folder / MESSAGES).read():
            sent[entry["to"]].add(entry["id"])
        for case in self.cases:
            if case.messages_to and len(sent[case.messages_to]) > 1:
                self.zeros["messages_sent_twice"].add(f"{_name(case)}: {len(sent[case.messages_to])} times")


def _asks(case: Case, body: bytes) -> bool:
    """Return whether a callback asks for the message of this case."""
    return bool(case.messages_to) and str(case.messages_to).encode() in body


def _name(case: Case) -> str:
    return f"{case.sender} {case.number}{' lost' if case.is_lost else ''}{' late' if case.is_late else ''}"
