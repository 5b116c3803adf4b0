"""What a person does about each reason for attention."""

from collections.abc import Mapping
from typing import Final

from vigil.domain.terms import Attention, Word

_REMEDIES: Final[Mapping[Attention, str]] = {
    Attention.UNRECOGNISED_WORD: "add the provider's word to its `vocabulary.py`; `resolve` what is urgent",
    Attention.QUARANTINED: (
        "a proven callback named it and could not be read; compare its receipt with the provider's "
        "documents. Those that name none are quarantined too"
    ),
    Attention.CONTRADICTION: (
        "two callbacks explain the verdict differently, or callbacks announced an end that reads do not "
        "show, perhaps after another end: ask the provider, `poll`, or `resolve`"
    ),
    Attention.UNCONFIRMED_END: "the end comes from a callback alone; a later read confirms or changes it",
    Attention.SECOND_FINAL: "the provider gave two different verdicts: ask why, and `resolve`",
    Attention.DISAGREES_WITH_PERSON: ("the provider's verdict differs from the person's: `resolve` with the right one"),
    Attention.DISAPPEARED: (
        "the provider no longer knows the verification; files that are not stored are lost if it was deleted"
    ),
    Attention.REFERENCE_NOT_FOUND: (
        "the provider answered to several polls that it does not know the reference: compare it with the id "
        "that your backend got when it created the verification, and the account's environment with the one "
        "where it was created. Then `withdraw` it and register the right one. The attention goes when the "
        "provider knows it"
    ),
    Attention.EVIDENCE_LOST: (
        "a file will not come: `vigil show` has the reason. A new attempt may be needed. `unaddressed`: the "
        "provider names the file and no way to request it, so look at its console"
    ),
    Attention.DETAILS_MISSING: ("the callback that explains the verdict was asked for again and did not come"),
    Attention.PROVIDER_REFUSES_US: "fix the credentials, restart the workers",
    Attention.REPLY_UNPROVEN: (
        "answers lack the signature that the account's key demands: fix that key, and `partner_id` with its "
        "zeros, and see what answers at `base_url`"
    ),
    Attention.RECORDING_UNADDRESSED: (
        "the provider shows a recording and no name to ask for it by: fetch it from the provider's pages"
    ),
    Attention.MESSAGE_NOT_SENT: (
        "a code or link was not sent, or may not have been: `vigil show` has the reason. See messages"
    ),
    Attention.NOT_NOTIFIED: (
        "its notifications have the endpoint's last answer: correct what it names, then send them again"
    ),
    Attention.MESSAGE_FIELDS_UNKNOWN: (
        "the provider asked for a message and gave no address that we recognise: name the field in the "
        "account's settings"
    ),
    Attention.OVER_OUR_LIMIT: (
        "an answer is larger than the account's `largest_answer`: raise it and restart the workers. It goes by itself"
    ),
    Attention.PROVIDER_UNREACHABLE: "wait, or ask the provider; goes by itself",
    Attention.UNPROVEN_CALLBACKS: (
        "callbacks come without proof: configure it at the provider; `vigil accounts` says how"
    ),
    Attention.SILENCE: "the deadline came while the provider was working: ask it",
    Attention.OVERDUE_APPLICANT: "the deadline came before the applicant was done: begin a new attempt",
    Attention.OVERDUE_REVIEW: (
        "a deadline came while a reviewer or an authority was waited for: ask the provider, `poll` after it"
    ),
    Attention.NEVER_REGISTERED: (
        "register it: `vigil track ACCOUNT REFERENCE`, and see why the backend did not. It may have been discovered"
    ),
    Attention.COORDINATE_MISMATCH: (
        "a callback named other coordinates, such as a `user_id`, than the registration or another "
        "callback: one may be forged. The registered ones are used; without any, those that the provider "
        "answers for: register it with the right ones"
    ),
    Attention.CORRELATION_MISMATCH: ("a callback came to another correlation than the registered one: compare both"),
    Attention.CONFLICTING_REGISTRATION: "it was registered twice, differently; the first one stands",
    Attention.UNREADABLE_SIGNAL: (
        "an API or worker of a later release sent a registration, or the report of a message, that this "
        "worker cannot read. It is kept for seven days and read again after 10, 20, 40 minutes and so on: "
        'roll the workers to the later release. Look for "was not kept" in the worker\'s log'
    ),
}


def find_remedy(reason: Attention | Word) -> str:
    """Return the sentence of the runbook that says what to do. A reason of a later release has none."""
    if isinstance(reason, Attention):
        return _REMEDIES[reason]
    return "a later release gave this reason: look it up in that release's runbook"
