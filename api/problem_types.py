"""Every problem type: when it is answered, and what a caller does. `docs/problems.md` shows this table: `make docs`."""

from collections.abc import Mapping
from typing import Final

PAGE: Final = "/docs/problems"
_REPEAT: Final = "Repeat the same request after the seconds in `Retry-After`."
_KEY: Final = "Ask the operator to change the key in `[api] keys`."
_STORED: Final = "Wait for the file, or read its state in `GET .../evidence`."

PROBLEM_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "cannot_answer": ("The server cannot answer the request.", "Look at `status`."),
    "command_refused": (
        "The command does not fit the state of the verification; `detail` says why.",
        "Read the verification. A withdrawal or another deadline is for open ones only.",
    ),
    "conflicting_registration": (
        "The verification is registered with other values; `fields` names them.",
        "Register it with the first values, or leave it: the first registration stands.",
    ),
    "correlation_taken": (
        "The correlation belongs to another verification.",
        "Choose a new one each time.",
    ),
    "cross_site": ("A page of another site made a browser send the request.", "Call from a backend."),
    "data_erased": (
        "The data of the verification was erased. Its verdict is left, and nothing brings the data back.",
        "Read the verification, or the receipt in `GET .../erasure`.",
    ),
    "data_on_hold": (
        "The data of the verification must be kept; `detail` says by whose hold, and until when.",
        "Erase it afterwards, or have the hold released.",
    ),
    "file_available": ("The provider lists the file, and it is being downloaded.", _STORED),
    "file_expected": ("The file is expected, and the provider does not list it yet.", _STORED),
    "file_expired": ("The file was kept as long as the settings say, and is erased.", "Nothing brings it back."),
    "file_lost": ("The file will not come; `detail` has the reason.", "Do not wait for it."),
    "file_not_found": ("The file is listed as stored, and the storage does not have it now.", _REPEAT),
    "idempotency_key_reused": (
        "Another command had the same `Idempotency-Key`, and this one was not carried out.",
        "Use a new key for a new command.",
    ),
    "internal_error": (
        "A fault of Vigil.",
        "Tell the operator the `request_id`: the log has it with the place of the fault.",
    ),
    "interrupted": (
        "An operator ended the verification's workflow in Temporal before it stored a record.",
        "Command a `poll`: it continues the verification.",
    ),
    "invalid_page": (
        "`page` is no `next_page` of an earlier page with the same filters.",
        "Begin at the first page.",
    ),
    "invalid_request": (
        "The request does not fit; `fields` names each fault.",
        "Fix the fields first.",
    ),
    "json_required": (
        "The request has neither the media type `application/json` nor an `Idempotency-Key`.",
        "Send one of them: a form in a browser can send neither.",
    ),
    "loading": ("The verification is open, and a worker is loading its record.", _REPEAT),
    "no_keys": ("The settings have no keys, so only this machine may call.", "Make a key: `vigil key new`."),
    "no_result": ("The provider has not given a result yet, or it was erased.", "Wait with `until=outcome`."),
    "no_such_method": ("The path does not have this method.", "Look at the reference under `/docs`."),
    "no_such_path": ("There is no such path.", "Look at the reference under `/docs`."),
    "no_worker_in_time": (
        "No worker answered in time. A command may or may not be carried out.",
        "Repeat it with the same `Idempotency-Key`: it is carried out once.",
    ),
    "not_authorized": ("The key is missing or belongs to no backend.", "Send `Authorization: Bearer` and the key."),
    "not_erased": ("The data of the verification was not erased.", "Erase it with `DELETE .../data`."),
    "not_held": ("There is no hold on the data of the verification.", "Nothing forbids to erase it."),
    "not_readable": (
        "A key is missing, or a stored content was changed.",
        "Tell the operator; repeating is of no use.",
    ),
    "not_usable": (
        "The quarantined callback cannot be given to that verification; `detail` says why.",
        "Compare account and reference with the callback.",
    ),
    "other_account": ("The key is not for this account.", _KEY),
    "other_endpoint": ("The key may not name an endpoint in `notify`.", _KEY),
    "process_not_yet_known": ("The provider has no verification for the coordinates yet.", _REPEAT),
    "provider_refuses_us": ("The provider refuses our credentials.", "An operator runs `vigil check`."),
    "provider_unavailable": ("The provider gives no usable answer now.", _REPEAT),
    "record_not_readable": ("A later release wrote the record.", "An operator rolls this process forward."),
    "right_missing": ("The key does not have the right; `detail` names it.", _KEY),
    "storage_unavailable": ("The storage gives no usable answer now.", _REPEAT),
    "temporal_unavailable": ("Temporal gives no usable answer now.", _REPEAT),
    "too_large": ("The body is larger than 64 KiB.", "Send a smaller one."),
    "too_many_failures": ("Too many requests came without a valid key.", _REPEAT),
    "unknown_account": ("The settings have no account of that name.", "Compare the name with `vigil accounts`."),
    "unknown_file": ("The verification has no file of that name.", "Read the names in `GET .../evidence`."),
    "unknown_receipt": ("No quarantined callback has that name.", "Read the names in `GET /quarantine`."),
    "unknown_to_provider": ("The provider does not know the coordinates.", "Compare them, and the environment."),
    "unknown_verification": (
        "Neither Temporal nor the storage knows the verification.",
        "Compare account and reference, or register it.",
    ),
}


def link_to(code: str) -> str:
    """Return the address of the section about a type, at the API itself."""
    return f"{PAGE}#{code}"
