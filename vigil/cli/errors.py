"""Errors that end a command with one sentence instead of a traceback."""


class CommandError(Exception):
    """The command cannot do its work; the text is a sentence that says what to correct."""


def describe_error(error: Exception) -> str | None:
    """Return what to tell the user; None for an error that only a fault of the program can cause."""
    return str(error) if isinstance(error, CommandError) else _describe_failure(error)


def _describe_failure(error: Exception) -> str | None:
    from temporalio.service import RPCError

    from vigil.config.settings_file import SettingsError
    from vigil.domain.errors import ProviderError
    from vigil.errors import RegistrationRefused, VigilError
    from vigil.storage.contract import StorageError
    from vigil.temporal.connection import SearchAttributesMissing

    match error:
        case RegistrationRefused() if error.faults:
            return "; ".join(f"{fault.field}: {fault.detail}" for fault in error.faults)
        case SettingsError() | SearchAttributesMissing() | VigilError():
            return str(error)
        case ProviderError():
            return f"The provider gives no usable answer ({error.code}): try again, or run `vigil check`."
        case StorageError():
            return "The storage gives no usable answer: try again, or correct [storage] url and its access rights."
        case RPCError():
            return f"Temporal gives no usable answer ({error.status.name}): try again, or correct [temporal] address."
        case _:
            return None
