"""How Verdant sends callbacks, and how often we poll it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import EXACTLY_200, Answering, Redelivery, SenderContract
from vigil.domain.terms import Name, Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, TrackingPlan

SENDER: Final = "verdant"

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="Verdant",
    proof=Proof.SECRET,
    answering=Answering(budget=timedelta(seconds=5), accepted=EXACTLY_200),
    redelivery=Redelivery(),
    lost_callback="a part has a verdict in the inquiry and no callback announced it; nothing is sent again",
    tracking=TrackingPlan(
        # Nothing is sent again, so one lost packet means a lost callback: we poll early.
        callback_expected_within=3 * MINUTE,
        deadline=7 * DAY,
        polls={
            Stage.AWAITING_APPLICANT: PollPlan.of((HOUR, MINUTE), (DAY, 10 * MINUTE), (None, HOUR)),
            Stage.PROCESSING: PollPlan.of((HOUR, MINUTE), (None, 10 * MINUTE)),
        },
    ),
)

CONTRACTS: Final[Mapping[Name, SenderContract]] = {SENDER: CONTRACT}
