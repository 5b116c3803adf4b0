"""What Verdant does on the wire when it calls back, and how often we ask it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan
from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Name, Proof, Stage

SENDER: Final = "verdant"

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="Verdant",
    proof=Proof.SECRET,
    answering=Answering(budget=timedelta(seconds=5), accepted=(CodeRange(first=200, last=200),)),
    redelivery=Redelivery(),
    lost_callback="a part has a verdict in the inquiry and was never announced; nothing is repeated",
    watch=TrackingPlan(
        # Nothing is repeated, so one lost packet is a lost callback: we ask early.
        callback_expected_within=3 * MINUTE,
        deadline=7 * DAY,
        polls={
            Stage.AWAITING_APPLICANT: PollPlan(
                steps=(
                    PollStep(until=HOUR, every=MINUTE),
                    PollStep(until=DAY, every=10 * MINUTE),
                    PollStep(until=None, every=HOUR),
                )
            ),
            Stage.PROCESSING: PollPlan(
                steps=(PollStep(until=HOUR, every=MINUTE), PollStep(until=None, every=10 * MINUTE))
            ),
        },
    ),
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = {SENDER: CONTRACT}
