"""What can go wrong between us and a provider, and what each error advises.

ProviderError
├── ProviderUnavailable     no usable answer; the same question may succeed later
├── ProviderRefusesUs       our credentials or rights are at fault; an operator must act
├── ReplyUnproven           the answer lacks the signature that it must have; nothing in it is believed
├── ReferenceUnknown        the provider knows no such verification (any more)
└── ArtifactError
    ├── ArtifactNotReady    the file comes later
    ├── ArtifactSpoiled     the bytes did not match; another download may
    └── ArtifactLost        the file will not come, and why
CallbackRefused             the callback is not proven to come from the provider
"""

from datetime import timedelta
from typing import Final

from vigil.domain.terms import LossReason

ADDRESS_NOT_ALLOWED: Final = "address_not_allowed"
"""The code of a `ProviderRefusesUs`: the provider knows our credentials, and not the address that we ask from."""
ANSWER_TOO_LARGE: Final = "answer_too_large"
OUR_LIMITS: Final = frozenset({ANSWER_TOO_LARGE, "too_many_processes"})
"""Codes of a `ProviderUnavailable` that a limit of ours makes out of a readable answer. An operator must act."""


class ProviderError(Exception):
    """Something that a provider, or the way to it, did. `code` is a word, never data."""

    def __init__(self, code: str, *, retry_after: timedelta | None = None) -> None:
        """Keep the coded reason, and what the provider said about trying again."""
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class ProviderUnavailable(ProviderError):
    """No usable answer; the same question may succeed later."""


class ProviderRefusesUs(ProviderError):
    """The provider does not accept our credentials or our right to ask."""


class ReplyUnproven(ProviderError):
    """The answer is not proven to come from the provider."""


class ReferenceUnknown(ProviderError):
    """The provider knows no such verification; `gone` if it says that it knew one."""

    def __init__(self, code: str, *, gone: bool = False) -> None:
        """Tell a deleted verification from one that may not exist yet."""
        super().__init__(code)
        self.gone = gone


class ArtifactError(ProviderError):
    """Something about one file."""


class ArtifactNotReady(ArtifactError):
    """The file comes later; `otherwise` is the loss that it becomes where it may as well never come."""

    def __init__(self, code: str, *, otherwise: LossReason | None = None, retry_after: timedelta | None = None) -> None:
        """Say what it becomes if it lags longer than the plan's `files_may_lag`; None: it will surely come."""
        super().__init__(code, retry_after=retry_after)
        self.otherwise = otherwise


class ArtifactSpoiled(ArtifactError):
    """The bytes that came are not the bytes that were promised; `loss` if that never heals."""

    def __init__(self, code: str, *, loss: LossReason) -> None:
        """Name the loss that this becomes when trying again does not help."""
        super().__init__(code)
        self.loss = loss


class ArtifactLost(ArtifactError):
    """The file will not come."""

    def __init__(self, loss: LossReason) -> None:
        """Say why."""
        super().__init__(loss.value)
        self.loss = loss


class CallbackRefused(Exception):
    """The callback is not proven to come from the provider."""

    def __init__(self, reason: str) -> None:
        """Keep a coded reason; what was presented as proof is never kept."""
        super().__init__(reason)
        self.reason = reason
