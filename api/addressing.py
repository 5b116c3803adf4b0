"""Which verification a path means."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Path
from pydantic import ValidationError

from api.problems import unknown_verification
from domain.identity import VerificationKey


def _key(
    account: Annotated[str, Path(description="The account's name in the settings.", examples=["sandbox"])],
    reference: Annotated[str, Path(description="The provider's id, percent-encoded once.", examples=["4711"])],
) -> VerificationKey:
    try:
        return VerificationKey(account=account, reference=reference)
    except ValidationError:
        raise unknown_verification() from None


Key: TypeAlias = Annotated[VerificationKey, Depends(_key)]
"""FastAPI dependency: the verification that the path names. What no verification can have is one that nobody knows."""
