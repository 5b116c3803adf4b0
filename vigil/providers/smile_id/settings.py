"""The settings of a Smile ID account."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vigil.domain.secrets import Secrets
from vigil.providers.account_settings import AccountSettings, reject_repeats
from vigil.providers.smile_id.policy import PolicyDecision
from vigil.providers.smile_id.v1.vocabulary import ROWS

Generation: TypeAlias = Literal["v1", "v3"]

SANDBOX: Final = "https://testapi.smileidentity.com"
PRODUCTION: Final = "https://api.smileidentity.com"


_V1_ROWS: Final = tuple(f"{job_type}/{code}" for (job_type, code), row in sorted(ROWS.items()) if row.partner_decides)
_V3_ROW: Final = re.compile(r"attention/[a-z_]{1,40}")


def validate_policy(policy: Mapping[str, PolicyDecision]) -> Mapping[str, PolicyDecision]:
    """Return the policy. Raises `ValueError` with the name of a row that Smile ID does not leave to its partners."""
    for row in policy:
        if row not in _V1_ROWS and not _V3_ROW.fullmatch(row):
            rows = ", ".join(_V1_ROWS)
            raise ValueError(f'cannot hold "{row}": Smile ID leaves only these to you: {rows}, attention/REASON')
    return policy


class SmileIdSettings(AccountSettings, frozen=True):
    """One account. The environment determines `base_url` if it is not given."""

    base_urls: ClassVar[Mapping[str, str]] = {"sandbox": SANDBOX, "production": PRODUCTION}

    generations: Annotated[tuple[Generation, ...], Field(min_length=1), AfterValidator(reject_repeats)] = ("v1",)
    """The generations whose callbacks are accepted and whose API is read. Give both during a migration."""
    partner_id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{1,20}$")]
    """As the portal shows it, with leading zeros: it is part of the signed text."""
    api_key: Secrets
    """Signs our requests and proves callbacks. Of two keys, requests use the first one first."""
    policy: Annotated[Mapping[str, PolicyDecision], AfterValidator(validate_policy)] = Field(default_factory=dict)
    """Decisions on rows that Smile ID leaves to the partner, such as `"1/0814"`, `"6/0817"`, `"attention/REASON"`."""
    artifact_hosts: tuple[Annotated[str, StringConstraints(to_lower=True, pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()
    """The hosts that links to files may name. Empty: any public host, since the vendor's storage is not documented.

    A production account of the third generation must have some: its links are in bodies that no signature covers.
    """
    largest_answer: Annotated[int, Field(gt=0)] = 32 * 1024 * 1024
    """In bytes. An answer holds pictures of up to 10 MB each in base64, once for each result in its history."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes. No source limits pictures and receipts."""

    @model_validator(mode="after")
    def _require_address_of_all_generations(self) -> Self:
        if self.base_url.rpartition("/")[2] in {"v1", "v3"}:
            raise ValueError("base_url must end before the generation: remove the last part of the path")
        return self

    @model_validator(mode="after")
    def _require_hosts_of_unsigned_links(self) -> Self:
        if self.environment == "production" and "v3" in self.generations and not self.artifact_hosts:
            raise ValueError(
                "artifact_hosts of a production account of v3 must list the hosts of its links:"
                " image_links and kyc_receipt of a callback show them"
            )
        return self
