"""How workflows are run: as plain code, without the SDK's sandbox."""

from typing import Final

from temporalio.worker import UnsandboxedWorkflowRunner

# The sandbox was left with nothing to hold back: the modules of this package, and all that they import, were handed
# through it. It still entered and left itself for each activation and for each payload. Tests refuse state in a module
# and calls of what a workflow may not call, and every recorded history replays inside the whole sandbox.
WORKFLOW_RUNNER: Final = UnsandboxedWorkflowRunner()
