"""What a Smile ID account must be told."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from vigil.domain.secrets import Secrets
from vigil.providers.account_settings import AccountSettings, reject_repeats
from vigil.providers.smile_id.policy import Decided, checked

Generation: TypeAlias = Literal["v1", "v3"]

SANDBOX: Final = "https://testapi.smileidentity.com"
PRODUCTION: Final = "https://api.smileidentity.com"


class SmileIdSettings(AccountSettings, frozen=True):
    """One account; `base_url` follows from the environment if it is not given."""

    base_urls: ClassVar[Mapping[str, str]] = {"sandbox": SANDBOX, "production": PRODUCTION}

    generations: Annotated[tuple[Generation, ...], Field(min_length=1), AfterValidator(reject_repeats)] = ("v1",)
    """Whose callbacks are taken and whose API is read. Both, while a partner moves from one to the other."""
    partner_id: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{1,20}$")]
    """As the portal shows it, zeros in front included: it is part of what is signed."""
    api_key: Secrets
    """Signs what we ask, and proves callbacks. The first of two is asked with first."""
    policy: Annotated[Mapping[str, Decided], AfterValidator(checked)] = Field(default_factory=dict)
    """What rows mean that the vendor leaves to the partner, such as `"1/0814"`, `"6/0817"` and `"attention/REASON"`."""
    artifact_hosts: tuple[Annotated[str, StringConstraints(to_lower=True, pattern=r"^[a-z0-9.-]{1,253}$")], ...] = ()
    """Hosts that links to files may name; none given: any public one, since the vendor's storage is not documented."""
    largest_artifact: Annotated[int, Field(gt=0)] = 50 * 1024 * 1024
    """In bytes. No source bounds pictures and receipts."""

    @model_validator(mode="after")
    def _address_is_that_of_all_generations(self) -> Self:
        if self.base_url.rpartition("/")[2] in {"v1", "v3"}:
            raise ValueError("base_url must end before the generation: leave out the last part of the path")
        return self
