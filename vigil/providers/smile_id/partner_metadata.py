"""What a partner has put beside a job, and its stored result gives back."""

import json
from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from vigil.providers.parsing import NotReadable, as_object, parse_json

_TAKEN: Final = frozenset({"job_id", "user_id", "job_type"})
"""Names in the same place that tell one job from another."""


def read_partner_metadata(result: bytes) -> Mapping[str, JsonValue]:
    """Return the partner's own names and values: of the result in v1 (D), of the callback beside it in v3 (O)."""
    try:
        stored = as_object(parse_json(result))
    except NotReadable:
        return {}
    of_v1 = as_object(as_object(stored.get("result")).get("PartnerParams"))
    of_v3 = as_object(as_object(stored.get("callback")).get("partner_params"))
    given: dict[str, JsonValue] = {**of_v3, **of_v1}
    return {name: value for name, value in given.items() if name not in _TAKEN and _can_be_written({name: value})}


def _can_be_written(value: JsonValue) -> bool:
    """Whether an answer of ours could hold it: half a character and a number without measure are in no JSON."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True
