"""How workflows are run: inside the SDK's sandbox, which hands them the modules of this package as they are."""

from typing import Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

# The sandbox would compile and run `workflows.*` anew for each run of a workflow: about half of what a run costs. No
# module of the package keeps state that two runs could share, and no module may ask for time or chance by itself: tests
# hold both, and replays run inside the whole sandbox.
WORKFLOW_RUNNER: Final = SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_modules("workflows"))
