"""What a setting must be, in words: no pattern, no name of a framework, and no value that was given."""

from collections.abc import Mapping
from typing import Any, Final

_FIX_BY_TYPE: Final[Mapping[str, str]] = {
    "string_type": 'must be a text: write it as "..."',
    "string_too_short": "is empty or too short",
    "string_too_long": "is too long",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "tuple_type": "must be a list: write it as [...]",
    "list_type": "must be a list: write it as [...]",
    "frozen_set_type": "must be a list: write it as [...]",
    "set_type": "must be a list: write it as [...]",
    "is_instance_of": "must be a text",
    "path_type": "must be a path",
    "time_delta_type": "is no duration: write 90s, 15m, 2h, 7d or 3y",
    "time_delta_parsing": "is no duration: write 90s, 15m, 2h, 7d or 3y",
    "ip_any_network": "must be a network such as 203.0.113.0/24",
    "ip_any_address": "must be an address such as 203.0.113.7",
    "url_parsing": "must be a URL such as https://example.com",
    "url_scheme": "must be a URL such as https://example.com",
    "url_type": "must be a URL such as https://example.com",
    "none_required": "must be left out",
}
_FIX_BY_PATTERN: Final[Mapping[str, str]] = {
    r"^https?://[^\s@]+$": "must be a URL such as https://example.com/hooks, without a user or a password",
    r"^https?://\S+$": "must be a URL such as https://example.com",
    r"^https?://[^\s?#]+[^\s/?#]$": "must be a URL such as http://127.0.0.1:8233/namespaces/default, with no / last",
    r"^[A-Za-z0-9-]{1,60}$": "must be the name of a header: 1 to 60 letters, digits and hyphens",
    r"^\+[1-9][0-9]{0,14}$": "must be the start of a telephone number, such as +49",
    r"^[a-z][a-z0-9-]{0,39}$": "must be a name: small letters, digits and hyphens, a letter first, 40 at most",
    r"^[A-Za-z0-9_.$:-]{1,64}$": "must be 1 to 64 letters, digits and _.$:- without blanks",
    r"^sha256:[0-9a-f]{64}$": "must be the hash that `vigil key new` prints: sha256: and 64 digits",
    r"^[^\s/@]+$": "must be the name of a host, such as mail.example.com",
    r"^[!-?A-~]+@[A-Za-z0-9.-]+$": "must be an email address, such as vigil@example.com",
    r"^[a-z0-9.-]+$": "must be the name of a host in small letters, such as example.com",
    r"^[a-z0-9.-]{1,253}$": "must be the name of a host in small letters, such as example.com",
    r"^[!-9;-~]+$": "must have no blanks and no colons",
    r"^[0-9]{1,20}$": "must be a number of 1 to 20 digits, written as a text",
}
"""The test walks all settings, so that a pattern without a sentence is found."""
_BOUNDS: Final[Mapping[str, str]] = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "too_short": "needs {min_length} or more",
    "too_long": "may have {max_length} at most",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
}
_ELSE: Final = "is not what it must be: docs/settings.md says what that is"


def describe_setting_fault(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a setting. `fault` is one of pydantic's, with its context."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _FIX_BY_PATTERN.get(context["pattern"], _ELSE)
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map(context)
    return _FIX_BY_TYPE.get(kind, _ELSE)
