"""Why a person should look, in clauses for people."""

from typing import Final

from vigil.domain.terms import Attention, Word

_ADVICE: Final = {
    Attention.UNRECOGNISED_WORD: "the provider's status is not in our tables",
    Attention.CONTRADICTION: "callbacks announced an end that the provider's answers do not show",
    Attention.UNCONFIRMED_END: "the end was taken from a callback; no read could confirm it",
    Attention.SECOND_FINAL: "the provider gave two different final answers",
    Attention.NEVER_REGISTERED: "no backend has registered it",
    Attention.CORRELATION_MISMATCH: "a callback came with another correlation than the registered one",
    Attention.COORDINATE_MISMATCH: "a callback named other coordinates than the registration or another callback",
    Attention.QUARANTINED: "a callback is authentic, and we cannot read it",
    Attention.UNPROVEN_CALLBACKS: "callbacks arrive without proof that the provider sent them",
    Attention.PROVIDER_REFUSES_US: "the provider refuses our credentials: fix the account's settings",
    Attention.PROVIDER_UNREACHABLE: "the provider has given no usable answer for a while",
    Attention.REPLY_UNPROVEN: "the provider's answer does not carry a valid signature",
    Attention.OVERDUE_APPLICANT: "the applicant did not finish in time",
    Attention.OVERDUE_REVIEW: "the review did not end in time",
    Attention.SILENCE: "the provider never reported an end",
    Attention.EVIDENCE_LOST: "a file that was wanted will not come",
    Attention.DETAILS_MISSING: "the callback that explains the verdict was requested again and did not arrive",
    Attention.RECORDING_UNADDRESSED: "the provider announces a recording and no name under which it can be downloaded",
    Attention.MESSAGE_NOT_SENT: (
        "a message that the provider asked us to send was not sent, or may not have been: the timeline says why,"
        " and [messages] sms and email in the settings say through whom"
    ),
    Attention.NOT_NOTIFIED: (
        "a backend's endpoint has not been notified: the notifications of the verification say of what, and why"
    ),
    Attention.MESSAGE_FIELDS_UNKNOWN: "a message that the provider asked us to send has fields that we do not know",
    Attention.DISAGREES_WITH_PERSON: "the provider's verdict differs from the person's decision",
    Attention.CONFLICTING_REGISTRATION: "it was registered twice, with different values",
    Attention.DISAPPEARED: "the provider no longer knows it",
    Attention.REFERENCE_NOT_FOUND: "the provider never knew its reference: compare it and the environment",
    Attention.OVER_OUR_LIMIT: "the provider's answer is over a limit of ours: raise the account's `largest_answer`",
    Attention.UNREADABLE_SIGNAL: "a registration or report came that this release of the worker cannot read",
}


def what_attention_means(reason: Attention | Word) -> str:
    """Say in a clause why a person should look."""
    if isinstance(reason, Attention):
        return _ADVICE[reason]
    return "a reason of a later release, which this release does not know"
