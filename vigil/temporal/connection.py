"""Connects to Temporal, with the data converter that all processes of an installation share."""

import logging
import secrets
from functools import cache
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from vigil.origin import build_name, host_name
from vigil.sealing.codec import PayloadSeal
from vigil.temporal.conversion import make_converter
from vigil.temporal.messages import SEARCH_ATTRIBUTES

_KINDS: Final = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "KeywordList": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}

_FORBIDDEN: Final = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED})


_BUCKETS: Final = {"vigil_read_seconds": [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 25.0]}
"""The SDK's own buckets are for milliseconds."""


class SearchAttributesMissing(Exception):
    """Temporal does not have our search attributes; the text is one sentence with the fix."""


@cache
def open_sdk_runtime(metrics_address: str | None = None) -> Runtime:
    """Return the SDK's runtime of this process. Its core logs through Python, so that its lines are filtered too."""
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"), prepend_target_on_message=False, append_log_fields_to_message=False
    )
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding),
            metrics=PrometheusConfig(metrics_address, histogram_bucket_overrides=_BUCKETS) if metrics_address else None,
        )
    )


async def connect(
    address: str | None,
    namespace: str | None,
    *,
    seal: PayloadSeal | None,
    lazy: bool = False,
    runtime: Runtime | None = None,
) -> Client:
    """Connect, or with `lazy` let the first call connect, for a process that may start before Temporal does.

    `seal`: the keys of payloads; None seals nothing.

    TLS, API key and headers come from the SDK's own environment variables (`TEMPORAL_TLS`, `TEMPORAL_API_KEY` ...);
    `address` and `namespace` overrule theirs.
    """
    config = ClientConfig.load_client_connect_config(disable_file=True)
    config["target_host"] = address or config.get("target_host") or "127.0.0.1:7233"
    config["namespace"] = namespace or config.get("namespace") or "default"
    converter = make_converter(seal, config["namespace"])
    return await Client.connect(
        **config,
        data_converter=converter,
        identity=_identity(),
        lazy=lazy,
        runtime=runtime,
        grpc_compression=GrpcCompression.GZIP if seal is None else GrpcCompression.NONE,  # sealed bytes get no smaller
    )


def _identity() -> str:
    """Return a name that leads from Temporal to a process: its host, its build, and what tells two of them apart."""
    return f"vigil-{host_name()}-{build_name()}-{secrets.token_hex(4)}"


async def missing_search_attributes(client: Client) -> list[str]:
    """Return which of our search attributes the namespace does not have."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        known = await client.operator_service.list_search_attributes(request)
    except RPCError as error:
        if error.status not in _FORBIDDEN:
            raise
        # Temporal Cloud keeps that service to itself, and a query names what it does not know.
        return [name for name in SEARCH_ATTRIBUTES if not await _can_search(client, name)]
    return [name for name in SEARCH_ATTRIBUTES if name not in known.custom_attributes]


async def _can_search(client: Client, name: str) -> bool:
    try:
        await client.count_workflows(f"{name} IS NULL")
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


async def add_search_attributes(client: Client) -> list[str]:
    """Register the search attributes that the namespace does not have, and return them. Idempotent.

    Raises:
        SearchAttributesMissing: they are missing, and we may not register them.

    """
    missing = await missing_search_attributes(client)
    if not missing:
        return []
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: _KINDS[SEARCH_ATTRIBUTES[name]] for name in missing}
    )
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        names = ", ".join(missing)
        raise SearchAttributesMissing(
            f"namespace `{client.namespace}` lacks the search attributes {names}, and this client may not add them "
            f"({error.status.name}): run `vigil setup` with rights to do so"
        ) from error
    return missing
