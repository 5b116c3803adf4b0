"""The data that a partner attached to a job, from the job's stored result."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from vigil.providers.parsing import NotReadable, as_object, is_encodable, parse_json

_RESERVED: Final = frozenset({"job_id", "user_id", "job_type"})
"""Names in the same object that identify the job."""


def read_partner_metadata(result: bytes) -> Mapping[str, JsonValue]:
    """Return the partner's names and values: from the result in v1 (D), from the callback stored with it in v3 (O)."""
    try:
        stored = as_object(parse_json(result))
    except NotReadable:
        return {}
    of_v1 = as_object(as_object(stored.get("result")).get("PartnerParams"))
    of_v3 = as_object(as_object(stored.get("callback")).get("partner_params"))
    metadata: dict[str, JsonValue] = {**of_v3, **of_v1}
    return {name: value for name, value in metadata.items() if name not in _RESERVED and is_encodable({name: value})}
