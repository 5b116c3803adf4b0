"""Every workflow type, for workers and for whoever replays histories of all of them."""

from typing import Final

from workflows.discovery import ContinuousDiscoveryWorkflow, DiscoveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.notification import NotificationWorkflow
from workflows.recheck import RecheckWorkflow
from workflows.retention import RetentionWorkflow
from workflows.verification import VerificationWorkflow
from workflows.verify import Verify

OF_VERIFICATIONS: Final = (
    VerificationWorkflow,
    ContinuousDiscoveryWorkflow,
    DiscoveryWorkflow,
    RecheckWorkflow,
    Verify,
    ErasureWorkflow,
    RetentionWorkflow,
)
"""Those on the queue of verifications."""
WORKFLOWS: Final = (*OF_VERIFICATIONS, NotificationWorkflow, MessageDeliveryWorkflow)
