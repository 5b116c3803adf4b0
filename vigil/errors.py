"""Errors of the application. `api/problems.py` translates them to HTTP, and the command line prints their sentence.

VigilError
├── TemporalUnreachable       Temporal does not answer at its address
├── StorageNotOpened          the storage of the settings cannot be opened
├── UnknownAccount            the settings have no account of that name
├── UnknownVerification       neither Temporal nor storage knows the verification
├── AmbiguousReference        a shortened reference fits several verifications
├── CallbackNotQuarantined    no quarantined callback has that name
├── CallbackNotUsable         a quarantined callback cannot be given to a verification
├── RecordUnavailable         the verification is open and no worker returned its record
│   ├── RecordLoading         a worker is loading the record
│   ├── RecordUnreadable      a later release wrote the record, and this one cannot read it
│   └── RecordNotStored       its workflow was ended in Temporal before it stored a record
├── DataErased                the data of the verification was erased
├── NotErased                 the data of the verification was not erased
├── NotHeld                   there is no hold on the verification
├── DataOnHold                a legal hold forbids the erasure
├── CommandRefused            the command does not fit the state of the verification
├── NoWorkerInTime            no worker answered a command; it may or may not be carried out
├── InvalidPageToken          the token of a page of the list was not issued by us
└── RegistrationRefused       the registration cannot be accepted
    ├── InvalidRegistration       fields do not fit
    ├── ConflictingRegistration   the verification is registered with other values
    ├── CorrelationTaken          the correlation belongs to another verification
    ├── ReferenceNotFoundYet      the provider has nothing yet for the coordinates
    └── CoordinatesUnknown        the provider does not know the coordinates
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class FieldFault:
    """A field of a registration that does not fit. `detail` holds no value that was sent: it may be personal."""

    field: str
    detail: str


class VigilError(Exception):
    """An error that a caller can act on. Its text is a sentence without any value that was sent."""


class TemporalUnreachable(VigilError):
    """Temporal does not answer at its address."""

    def __init__(self, address: str | None) -> None:
        where = address or "127.0.0.1:7233"
        super().__init__(f"Temporal does not answer at {where}: start it, or set [temporal] address.")


class StorageNotOpened(VigilError):
    """The storage cannot be opened. The text of the cause may hold credentials, so only its type is shown."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The storage cannot be opened ({cause}): correct [storage] url.")


class UnknownAccount(VigilError):
    """The settings have no account of that name. The name is not in the text: a caller chose it."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(f"There is no account of that name; the settings have {names}.")


class UnknownVerification(VigilError):
    """Neither Temporal nor storage knows the verification."""

    def __init__(self) -> None:
        super().__init__("Neither Temporal nor the storage knows such a verification.")


class AmbiguousReference(VigilError):
    """A shortened reference fits several verifications."""

    def __init__(self) -> None:
        super().__init__("More than one verification begins so; give more of the reference.")


class CallbackNotQuarantined(VigilError):
    """No quarantined callback has that name."""

    def __init__(self) -> None:
        super().__init__("No quarantined callback has that name: `vigil quarantine list` has the names.")


class CallbackNotUsable(VigilError):
    """A quarantined callback cannot be given to a verification; `reason` is a coded word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The callback cannot be given to that verification ({reason}).")
        self.reason = reason


class RecordUnavailable(VigilError):
    """The verification is open, and no worker returned its record in time."""

    def __init__(self, sentence: str = "The verification is open and no worker answered in time.") -> None:
        super().__init__(sentence)


class RecordLoading(RecordUnavailable):
    """The verification is open, and a worker is loading its record."""

    def __init__(self) -> None:
        super().__init__("The verification is open and its record is being loaded.")


class RecordUnreadable(RecordUnavailable):
    """This release cannot read the record."""

    def __init__(self) -> None:
        super().__init__("A later release wrote the record, and this one cannot read it: roll this process forward.")


class RecordNotStored(RecordUnavailable):
    """The workflow of the verification was ended in Temporal before it stored a record."""

    def __init__(self) -> None:
        super().__init__("Its workflow was ended in Temporal before it stored a record; a command continues it.")


class ResultNotStored(VigilError):
    """The provider has not given a result of the verification yet, or it was erased."""

    def __init__(self) -> None:
        super().__init__("No result of the provider is stored for the verification.")


class DataErased(VigilError):
    """The data of the verification was erased. Its verdict is left."""

    def __init__(self) -> None:
        super().__init__("The data of the verification was erased; only its verdict is left.")


class NotErased(VigilError):
    """The data of the verification was not erased."""

    def __init__(self) -> None:
        super().__init__("The data of the verification was not erased.")


class NotHeld(VigilError):
    """There is no hold on the data of the verification."""

    def __init__(self) -> None:
        super().__init__("There is no hold on the data of the verification.")


class DataOnHold(VigilError):
    """The data of the verification must be kept."""

    def __init__(self, reason: str, author: str, until: datetime | None) -> None:
        end = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is released"
        super().__init__(f"Its data is on hold by {author} ({reason}) {end}.")
        self.until = until


class CommandRefused(VigilError):
    """The command does not fit the state of the verification; the text is a coded reason."""


class IdempotencyKeyReused(VigilError):
    """Another command had the same id, so this one was not carried out."""

    def __init__(self) -> None:
        super().__init__("Another command had the same id; this one was not carried out. Use a new id.")


class NoWorkerInTime(VigilError):
    """The command may or may not be carried out; repeat it with the same id."""

    def __init__(self) -> None:
        super().__init__("No worker answered in time; repeat the command with the same id.")


class InvalidPageToken(VigilError):
    """The token of a page was not issued by us."""

    def __init__(self) -> None:
        super().__init__("The page token is not a `next_page` of an earlier page.")


class RegistrationRefused(VigilError):
    """The registration cannot be accepted; `faults` names the fields at fault, if any are."""

    def __init__(self, sentence: str, faults: Sequence[FieldFault] = ()) -> None:
        super().__init__(sentence)
        self.faults = tuple(faults)


class InvalidRegistration(RegistrationRefused):
    """Fields of the registration do not fit."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("Fields of the registration do not fit.", faults)


class ConflictingRegistration(RegistrationRefused):
    """The verification is registered already, with other values in `fields`."""

    def __init__(self, fields: Sequence[str]) -> None:
        faults = [FieldFault(field=name, detail="differs from the registered value") for name in fields]
        super().__init__("The verification is registered already, with other values.", faults)
        self.fields = tuple(fields)


class CorrelationTaken(RegistrationRefused):
    """The correlation belongs to another verification."""

    def __init__(self) -> None:
        fault = FieldFault(field="correlation", detail="belongs to another verification")
        super().__init__("The correlation belongs to another verification.", [fault])


class ReferenceNotFoundYet(RegistrationRefused):
    """The provider has nothing yet for the coordinates; repeat the registration after `retry_after`."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("The provider has no verification for the coordinates yet; repeat the registration.")
        self.retry_after = retry_after


class CoordinatesUnknown(RegistrationRefused):
    """The provider does not know the coordinates."""

    def __init__(self, names: Sequence[str]) -> None:
        faults = [FieldFault(field=f"coordinates.{name}", detail="is unknown to the provider") for name in names]
        super().__init__("The provider does not know the coordinates.", faults)
