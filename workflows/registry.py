"""Every workflow type, for whoever replays histories of all of them."""

from typing import Final

from workflows.discovery import ContinuousDiscoveryWorkflow, DiscoveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.message_delivery import MessageDeliveryWorkflow
from workflows.notification import NotificationWorkflow
from workflows.recheck import RecheckWorkflow
from workflows.retention import RetentionWorkflow
from workflows.verification import VerificationWorkflow
from workflows.verify import Verify

WORKFLOWS: Final = (
    VerificationWorkflow,
    ContinuousDiscoveryWorkflow,
    DiscoveryWorkflow,
    RecheckWorkflow,
    NotificationWorkflow,
    MessageDeliveryWorkflow,
    Verify,
    ErasureWorkflow,
    RetentionWorkflow,
)
