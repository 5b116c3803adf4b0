"""The one way to Temporal: the client, with the converter that every process of ours shares."""

from typing import Final

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig

CONVERTER: Final[DataConverter] = pydantic_data_converter


async def connect(address: str | None, namespace: str | None, *, lazy: bool = False) -> Client:
    """Connect, or with `lazy` let the first call connect, for a process that may start before Temporal does.

    TLS, API key and headers come from the SDK's own environment variables (`TEMPORAL_TLS`, `TEMPORAL_API_KEY` ...);
    `address` and `namespace` overrule theirs.
    """
    config = ClientConfig.load_client_connect_config(disable_file=True)
    target = address or config.pop("target_host", None) or "127.0.0.1:7233"
    config["target_host"] = target
    config["namespace"] = namespace or config.get("namespace") or "default"
    return await Client.connect(**config, data_converter=CONVERTER, identity="vigil", lazy=lazy)
