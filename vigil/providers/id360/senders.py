"""What ID360 does on the wire when it calls back, and how often we ask it."""

from datetime import timedelta
from typing import Final

from vigil.domain.sender_contract import Answering, CodeRange, Redelivery, SenderContract
from vigil.domain.terms import Proof, Stage
from vigil.domain.tracking_plan import DAY, HOUR, MINUTE, PollPlan, PollStep, TrackingPlan

SENDER: Final = "id360"

# The delays are documented, in a table and by a formula. Whether there are 6 or 7 redeliveries is not: the prose
# says 6, the table has 7 rows. We expect both: the last delivery comes 73.5 to 130.7 minutes after the first.
DELAYS: Final = tuple(timedelta(seconds=10 * k**3) for k in range(1, 8))

CONTRACT: Final = SenderContract(
    sender=SENDER,
    title="ID360",
    proof=Proof.SECRET,
    answering=Answering(budget=timedelta(seconds=10), accepted=(CodeRange(first=200, last=299),)),
    redelivery=Redelivery(delays=DELAYS, counted_from="previous", certain=6),
    lost_callback="the report has a verdict and no final callback was heard; nothing can be replayed",
    watch=TrackingPlan(
        callback_expected_within=15 * MINUTE,
        # ID360 applies its own expiry by a job that runs every 15 minutes.
        deadline=14 * DAY,
        deadline_lag=15 * MINUTE,
        polls={
            Stage.AWAITING_APPLICANT: PollPlan(
                steps=(
                    PollStep(until=6 * HOUR, every=5 * MINUTE),
                    PollStep(until=2 * DAY, every=15 * MINUTE),
                    PollStep(until=None, every=HOUR),
                )
            ),
            Stage.PROCESSING: PollPlan(
                steps=(
                    PollStep(until=15 * MINUTE, every=MINUTE),
                    PollStep(until=6 * HOUR, every=5 * MINUTE),
                    PollStep(until=None, every=HOUR),
                )
            ),
        },
    ),
)
