"""Which verification: its key, and the names that are computed from the key alone."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, StringConstraints

from vigil.domain.digest import Digester
from vigil.domain.models import StoredModel
from vigil.domain.terms import Name

WORKFLOW_PREFIX: Final = "verification/"
SEALED: Final = "sealed:"
LONGEST: Final = 200
LONGEST_SEALED: Final = 1100
"""Characters, for a reference of 200 that UTF-8 writes in four bytes each."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_STAND_IN: Final = re.compile(r"~[a-z2-7]{26}")

Reference: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


def _bounded(reference: str) -> str:
    if len(reference) > (LONGEST_SEALED if reference.startswith(SEALED) else LONGEST):
        raise ValueError(f"a reference has at most {LONGEST} characters")
    return reference


class VerificationKey(StoredModel):
    """Our account at the provider, and the provider's own id for the verification.

    Where the id opens the applicant's session, Temporal and records hold it sealed: `seal_key`.
    """

    account: Name
    reference: Annotated[str, StringConstraints(min_length=1), AfterValidator(_bounded)]


def seal_key(key: VerificationKey, digester: Digester) -> VerificationKey:
    """Return the key with its reference sealed. Idempotent, and the same for the same key."""
    if open_key(key, digester) != key:
        return key
    return VerificationKey(
        account=key.account, reference=SEALED + digester.seal(f"reference/{key.account}", key.reference)
    )


def open_key(key: VerificationKey, digester: Digester) -> VerificationKey:
    """Return the key with the provider's own reference; a key that is not sealed stays as it is."""
    if not key.reference.startswith(SEALED):
        return key
    reference = digester.unseal(f"reference/{key.account}", key.reference.removeprefix(SEALED))
    return VerificationKey(account=key.account, reference=reference) if reference else key


def shown_key(key: VerificationKey, path: str) -> VerificationKey:
    """Return the key for a reader outside: a reference that opens the session is replaced by its digest in the path."""
    encoded = path.removeprefix(f"{key.account}/")
    is_hidden = stands_in(encoded) and (key.reference.startswith(SEALED) or _PLAIN.fullmatch(key.reference))
    return VerificationKey(account=key.account, reference=encoded) if is_hidden else key


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
