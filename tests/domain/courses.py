"""Recorded courses: the callbacks that a provider sent for one verification, and what it answered in that time."""

from dataclasses import dataclass

from tests.domain.samples import SECOND, STARTED, T0, callback_event, status, step
from vigil.domain.callback_event import CallbackEvent, Observation
from vigil.domain.snapshot import Artifact, Check, Reason, Snapshot
from vigil.domain.terms import Advice, CheckKind, CheckStatus, Decision, EvidenceKind, Outcome, ReasonCode, Stage

OK, KO = CheckStatus.PASSED, CheckStatus.FAILED
FRONT = Artifact(name="doc-11-0", kind=EvidenceKind.DOCUMENT_FRONT, locator="11.0")
SELFIE = Artifact(name="doc-12-0", kind=EvidenceKind.SELFIE, locator="12.0")
VIDEO = Artifact(name="doc-13-0", kind=EvidenceKind.LIVENESS_VIDEO, locator="13.0")


@dataclass(frozen=True)
class Course:
    """What the provider sent, in order, and what it would have answered, in order; the last answer is the end."""

    name: str
    sent: tuple[Observation, ...]
    answers: tuple[Snapshot, ...]

    def callback_events(self) -> tuple[CallbackEvent, ...]:
        return tuple(callback_event(seen, at=T0 + k * SECOND) for k, seen in enumerate(self.sent))


def _checks(*rows: tuple[CheckKind, str, CheckStatus]) -> tuple[Check, ...]:
    return tuple(Check(kind=kind, name=name, status=says) for kind, name, says in rows)


SEVEN = (
    step(1, 7, "id_document", check=CheckKind.DOCUMENT),
    step(2, 7, "fake_photo_id", check=CheckKind.DOCUMENT_AUTHENTICITY),
    step(3, 7, "image_forensics", check=CheckKind.DOCUMENT_AUTHENTICITY),
    step(4, 7, "facecomparison", check=CheckKind.FACE_MATCH),
    step(5, 7, "liveness", check=CheckKind.LIVENESS, ordinal=0),
    step(6, 7, "liveness", check=CheckKind.LIVENESS, ordinal=1),
    step(7, 7, "phone", check=CheckKind.CONTACT),
)
SEVEN_CHECKS = _checks(
    (CheckKind.DOCUMENT, "id_document", OK),
    (CheckKind.DOCUMENT_AUTHENTICITY, "fake_photo_id", OK),
    (CheckKind.DOCUMENT_AUTHENTICITY, "image_forensics", OK),
    (CheckKind.FACE_MATCH, "facecomparison", OK),
    (CheckKind.LIVENESS, "liveness$0", OK),
    (CheckKind.LIVENESS, "liveness$1", OK),
    (CheckKind.CONTACT, "phone", OK),
)
APPROVED = Course(
    name="approved after seven steps",
    sent=(*SEVEN, status("OK")),
    answers=(
        STARTED,
        STARTED.model_copy(
            update={"checks": SEVEN_CHECKS[:4], "steps_done": 4, "steps_total": 7, "artifacts": (FRONT,)}
        ),
        Snapshot(
            stage=Stage.CONCLUDED,
            decision=Decision.APPROVED,
            word="OK",
            checks=SEVEN_CHECKS,
            steps_done=7,
            steps_total=7,
            artifacts=(FRONT, SELFIE, VIDEO),
        ),
    ),
)
DECLINED = Course(
    name="declined although every step passed",
    sent=(
        step(1, 2, "id_document", check=CheckKind.DOCUMENT),
        step(2, 2, "facecomparison", check=CheckKind.FACE_MATCH),
        status("KO"),
    ),
    answers=(
        STARTED,
        Snapshot(
            stage=Stage.CONCLUDED,
            decision=Decision.DECLINED,
            word="KO",
            code="VLD_VALIDATION_KO",
            reasons=(Reason(code=ReasonCode.DOCUMENT_REJECTED, word="VLD_VALIDATION_KO"),),
            checks=_checks((CheckKind.DOCUMENT, "id_document", OK), (CheckKind.FACE_MATCH, "facecomparison", OK)),
            steps_done=2,
            steps_total=2,
            artifacts=(FRONT, SELFIE),
        ),
    ),
)
CANCELED = Course(
    name="canceled half way, with a report that lists no steps",
    sent=(
        step(1, 3, "id_document", check=CheckKind.DOCUMENT),
        step(2, 3, "facecomparison", check=CheckKind.FACE_MATCH),
        status("CANCELED", end=Outcome.CANCELED),
    ),
    answers=(
        STARTED,
        STARTED.model_copy(update={"artifacts": (FRONT,)}),
        Snapshot(
            stage=Stage.CONCLUDED,
            ended=Outcome.CANCELED,
            word="CANCELED",
            reasons=(Reason(code=ReasonCode.TIME_RAN_OUT),),
        ),
    ),
)
FAILED = Course(
    name="failed at the provider, with fewer steps in the report than callbacks told of",
    sent=(
        step(1, 4, "id_document", check=CheckKind.DOCUMENT),
        step(2, 4, "liveness", check=CheckKind.LIVENESS),
        status("FAILED", end=Outcome.FAILED),
    ),
    answers=(
        STARTED,
        Snapshot(
            stage=Stage.CONCLUDED,
            ended=Outcome.FAILED,
            advice=Advice.NEW_ATTEMPT,
            word="FAILED",
            reasons=(Reason(code=ReasonCode.TECHNICAL, word="UNKNOWN_ERROR"),),
            checks=_checks((CheckKind.DOCUMENT, "id_document", OK)),
            steps_done=1,
            steps_total=1,
        ),
    ),
)
REPEATED = Course(
    name="approved after a step that first failed",
    sent=(
        step(1, 2, "id_document", check=CheckKind.DOCUMENT, says=KO),
        step(1, 2, "id_document", check=CheckKind.DOCUMENT, says=OK),
        step(2, 2, "facecomparison", check=CheckKind.FACE_MATCH),
        status("OK"),
    ),
    answers=(
        STARTED.model_copy(
            update={"checks": _checks((CheckKind.DOCUMENT, "id_document", KO)), "steps_done": 1, "steps_total": 2}
        ),
        Snapshot(
            stage=Stage.CONCLUDED,
            decision=Decision.APPROVED,
            word="OK",
            checks=_checks((CheckKind.DOCUMENT, "id_document", OK), (CheckKind.FACE_MATCH, "facecomparison", OK)),
            steps_done=2,
            steps_total=2,
            artifacts=(FRONT, SELFIE),
        ),
    ),
)
MORE_WANTED = Course(
    name="declined after more information was asked for, while a later listing replaces an earlier one",
    sent=(status("manual_check", looks="open"), status("additional", looks="open"), status("rejected")),
    answers=(
        Snapshot(stage=Stage.IN_REVIEW, word="manual_check", artifacts=(FRONT,)),
        Snapshot(
            stage=Stage.AWAITING_APPLICANT,
            word="additional",
            reasons=(Reason(code=ReasonCode.MORE_INFORMATION),),
            artifacts=(FRONT, VIDEO.model_copy(update={"ready": False})),
        ),
        Snapshot(stage=Stage.IN_REVIEW, word="manual_check", artifacts=(FRONT, VIDEO)),
        Snapshot(
            stage=Stage.CONCLUDED,
            decision=Decision.DECLINED,
            word="rejected",
            reasons=(Reason(code=ReasonCode.FACE_MISMATCH, word="face_mismatch"),),
            artifacts=(FRONT.model_copy(update={"locator": "21.0", "kind": EvidenceKind.PORTRAIT}), VIDEO),
        ),
    ),
)
LAGGING = Course(
    name="told as approved by callback while the report still says that it is under way",
    sent=(step(1, 1, "id_document", check=CheckKind.DOCUMENT), status("OK")),
    answers=(
        STARTED,
        STARTED.model_copy(
            update={"checks": _checks((CheckKind.DOCUMENT, "id_document", OK)), "steps_done": 1, "steps_total": 1}
        ),
    ),
)
COURSES = (APPROVED, DECLINED, CANCELED, FAILED, REPEATED, MORE_WANTED, LAGGING)
