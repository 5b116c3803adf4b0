"""What is wrong with an input, in sentences: no pattern, no name of a framework, and no value that was sent."""

from collections.abc import Mapping
from typing import Any, Final

NO_JSON: Final = "is no valid JSON"
_NOT_AN_OBJECT: Final = "must be a JSON object, sent as application/json"
_BY_TYPE: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "does not exist here: look for a misspelt name",
    "json_invalid": NO_JSON,
    "model_attributes_type": _NOT_AN_OBJECT,
    "model_type": _NOT_AN_OBJECT,
    "dict_type": "must be an object",
    "string_type": "must be a text",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
    "string_pattern_mismatch": "has a character that is not allowed here, or is too long",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "timezone_aware": "needs a time zone, such as Z or +01:00",
    "datetime_from_date_parsing": "must be a time such as 2031-03-04T09:00:00Z",
    "datetime_parsing": "must be a time such as 2031-03-04T09:00:00Z",
    "datetime_type": "must be a time such as 2031-03-04T09:00:00Z",
}
_BY_FIELD: Final[Mapping[str, str]] = {
    "account": "must be the name of an account in the settings: small letters, digits and hyphens",
    "sender": "must be the name of a sender: small letters, digits and hyphens",
    "applicant": "must be your opaque id of the person, of up to 64 letters, digits and _.$:- without blanks; "
    "never a name and never an email address",
    "correlation": "must have 8 to 64 letters, digits, _ and -",
    "notify": "must be names of [endpoints] in the settings: small letters, digits and hyphens",
    "Idempotency-Key": "must have 8 to 128 letters, digits and _.:-",
}
"""What a text of a field must look like."""


def describe_fault(fault: Mapping[str, Any]) -> str:
    """Return what a field must be, or what is wrong with it. `fault` is one of pydantic's, with its context."""
    kind, message = fault["type"], str(fault["msg"])
    if kind == "string_pattern_mismatch":
        fields = (str(part) for part in reversed(fault["loc"]))
        return next((_BY_FIELD[field] for field in fields if field in _BY_FIELD), _BY_TYPE[kind])
    if kind == "json_invalid":
        return f"{_BY_TYPE[kind]}: look at character {fault['loc'][-1]}"
    if kind in {"enum", "literal_error"}:
        return f"must be {fault['ctx']['expected']}"
    return _BY_TYPE.get(kind) or message.replace("Input should", "must", 1).replace("Value error, ", "", 1)
