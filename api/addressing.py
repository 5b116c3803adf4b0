"""Which verification a path means."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Request

from vigil.domain.verification_key import VerificationKey
from vigil.lookup import VerificationLookup


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
    lookup: VerificationLookup = request.app.state.lookup
    return await lookup.resolve_key(account, reference)


Key: TypeAlias = Annotated[VerificationKey, Depends(_key)]
"""FastAPI dependency: the key of the verification in the path."""
