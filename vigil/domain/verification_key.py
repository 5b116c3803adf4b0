"""Which verification: its key, and the names that are computed from the key alone."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import StringConstraints

from vigil.domain.digest import Digester
from vigil.domain.models import StoredModel
from vigil.domain.terms import Name

WORKFLOW_PREFIX: Final = "verification/"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_STAND_IN: Final = re.compile(r"~[a-z2-7]{26}")

Reference: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class VerificationKey(StoredModel):
    """Our account at the provider, and the provider's own id for the verification."""

    account: Name
    reference: Reference


def path_of(key: VerificationKey, digester: Digester, *, is_capability: bool) -> str:
    """Return `account/encoded_reference`: the part that the workflow id and all storage names of a verification share.

    The slug is the reference itself, or a keyed digest where the reference opens the applicant's session
    (`is_capability`) or is not plain. `~` marks a digest and cannot occur in a plain reference.
    """
    if not is_capability and _PLAIN.fullmatch(key.reference):
        return f"{key.account}/{key.reference}"
    return f"{key.account}/~{digester.digest('reference', key.account + '/' + key.reference)}"


def stands_in(encoded_reference: str) -> bool:
    """Whether a slug looks like one that `path_of` puts in the place of a reference."""
    return _STAND_IN.fullmatch(encoded_reference) is not None


def workflow_id(path: str) -> str:
    """Return the id of the workflow that follows the verification at this place."""
    return WORKFLOW_PREFIX + path


def path_of_workflow(workflow_id: str) -> str:
    """Return the place of the verification that a workflow id names."""
    return workflow_id.removeprefix(WORKFLOW_PREFIX)
