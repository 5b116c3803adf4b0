"""Which verification a path means."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request
from pydantic import ValidationError

from api.knowledge import Knowledge
from api.problems import unknown_verification
from domain.identity import VerificationKey


async def _key(
    request: Request,
    account: Annotated[str, Path(description="The account's name in the settings.", examples=["sandbox"])],
    reference: Annotated[
        str,
        Path(
            description="The provider's id, percent-encoded once. One that opens the applicant's session belongs into "
            "no address: take the address that registering answered with, which has a digest in its place.",
            examples=["4711"],
        ),
    ],
) -> VerificationKey:
    knowledge: Knowledge = request.app.state.knowledge
    try:
        return await knowledge.named(account, reference)
    except ValidationError:
        raise unknown_verification() from None


Key: TypeAlias = Annotated[VerificationKey, Depends(_key)]
"""FastAPI dependency: the verification that the path names. What no verification can have is one that nobody knows."""
