"""What operators see of a verification in Temporal: search attributes and the line in lists."""

from typing import Final

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from domain.identity import VerificationKey
from domain.record import Summary

_KEYWORD: Final = {
    name: SearchAttributeKey.for_keyword(name)
    for name in ("VigilAccount", "VigilProvider", "VigilStage", "VigilDecision", "VigilOutcome", "VigilApplicant")
}
_ATTENTION: Final = SearchAttributeKey.for_keyword_list("VigilAttention")
_DEADLINE: Final = SearchAttributeKey.for_datetime("VigilDeadline")


def search_attributes(published: Summary) -> TypedSearchAttributes:
    """Return the search attributes of a published state."""
    words = {
        "VigilAccount": published.account,
        "VigilProvider": published.provider,
        "VigilStage": published.stage,
        "VigilDecision": published.decision,
        "VigilOutcome": published.outcome,
        "VigilApplicant": published.applicant,
    }
    return TypedSearchAttributes(
        [
            *(SearchAttributePair(_KEYWORD[name], str(word)) for name, word in words.items() if word),
            SearchAttributePair(_ATTENTION, [str(reason) for reason in published.attention]),
            SearchAttributePair(_DEADLINE, published.deadline_at),
        ]
    )


def title(key: VerificationKey) -> str:
    """Return the line that operators see in lists; never the reference, which may be a capability."""
    return f"Verification at `{key.account}`"
