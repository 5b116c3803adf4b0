"""The builds of our workers, as Temporal's Worker Versioning has them: which one is current, and which still have work.

Nothing runs on a build before it is current or a part of the workflows is moved to it.
"""

from dataclasses import dataclass
from typing import Final

from temporalio.api.deployment.v1 import RoutingConfig, WorkerDeploymentVersion
from temporalio.api.enums.v1 import VersionDrainageStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from vigil.errors import VigilError

_DRAINAGE: Final = {
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINING: "draining",
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED: "drained",
}
_REFUSALS: Final = frozenset(
    {RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}
)


class BuildRefused(VigilError):
    """Temporal refuses to move workflows to a build. The text is the server's own."""


@dataclass(frozen=True)
class Build:
    """One build of the workers. `state`: `current`, `ramping`, `draining`, `drained`, or `new`: nothing ran on it."""

    name: str
    state: str


@dataclass(frozen=True)
class Deployment:
    """The builds of a deployment, the newest first. `percentage` of the workflows run on the build that is ramping."""

    name: str
    builds: tuple[Build, ...]
    percentage: float

    @property
    def takes_work(self) -> bool:
        """Whether workflows run on one of the builds."""
        return self.percentage > 0 or any(build.state == "current" for build in self.builds)


async def describe_deployment(client: Client, name: str) -> Deployment | None:
    """Return a deployment; None: no worker of it has ever asked for work. Raises `RPCError`."""
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
    try:
        info = (await client.workflow_service.describe_worker_deployment(request)).worker_deployment_info
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    newest_first = sorted(info.version_summaries, key=lambda each: each.create_time.ToNanoseconds(), reverse=True)
    return Deployment(
        name=name,
        builds=tuple(
            Build(
                each.deployment_version.build_id,
                _state(each.deployment_version, info.routing_config) or _DRAINAGE.get(each.drainage_info.status, "new"),
            )
            for each in newest_first
        ),
        percentage=info.routing_config.ramping_version_percentage,
    )


def _state(version: WorkerDeploymentVersion, routing: RoutingConfig) -> str | None:
    if version == routing.current_deployment_version:
        return "current"
    return "ramping" if version == routing.ramping_deployment_version else None


async def set_current(client: Client, name: str, build: str) -> None:
    """Run all workflows on a build. Raises `BuildRefused`, such as where it lacks a queue that has work; `RPCError`."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=name, build_id=build, identity=client.identity
    )
    try:
        await client.workflow_service.set_worker_deployment_current_version(request)
    except RPCError as error:
        raise _translate(error) from None


async def set_ramping(client: Client, name: str, build: str, percentage: float) -> None:
    """Run `percentage` of the workflows on a build and the others on the current one. Raises as `set_current` does."""
    request = SetWorkerDeploymentRampingVersionRequest(
        namespace=client.namespace,
        deployment_name=name,
        build_id=build,
        percentage=percentage,
        identity=client.identity,
    )
    try:
        await client.workflow_service.set_worker_deployment_ramping_version(request)
    except RPCError as error:
        raise _translate(error) from None


def _translate(error: RPCError) -> Exception:
    if error.status not in _REFUSALS:
        return error
    return BuildRefused(f"Temporal refuses this build: {error.message}. Workers of all its parts must run first.")
