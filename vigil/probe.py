"""A probe: a callback of the operator's own, which the API compares with what the operator says to have sent.

The header seals the digests of the body and of the headers under the installation's `digest_key`. So only who holds the
key can make a probe, and the answer says of a copied one no more than of the first.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from vigil.domain.digest import Digester
from vigil.domain.models import MessageModel
from vigil.domain.terms import Instant

HEADER: Final = "vigil-probe"
VALID_FOR: Final = timedelta(hours=1)
"""Before and after it was sent: the two clocks may differ, and their difference is one of the questions."""
_PURPOSE: Final = "probe"


class Probe(MessageModel):
    """What was sent, and when. `headers` are digests of the values by the name in lower case."""

    sent_at: Instant
    body: str
    headers: Mapping[str, str]

    def seal(self, digester: Digester) -> str:
        """Return the value of the header."""
        return digester.seal(_PURPOSE, self.model_dump_json())


class ProbeAnswer(MessageModel):
    """What the API received. `missing` and `changed` name headers."""

    received_at: Instant
    is_body_unchanged: bool
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    is_behind_unnamed_proxy: bool
    """Whether the address of the sender was taken from the connection although a proxy has named another one."""


def build_probe(body: bytes, headers: Mapping[str, str], *, at: datetime) -> Probe:
    """Return the probe for a body and headers that will be sent."""
    digests = {name.lower(): _digest(value.encode("latin-1")) for name, value in headers.items()}
    return Probe(sent_at=at, body=_digest(body), headers=digests)


def open_probe(digester: Digester, sealed: str | None, *, at: datetime) -> Probe | None:
    """Return the probe in a header; None: there is none, it is older than an hour, or another key sealed it."""
    text = digester.unseal(_PURPOSE, sealed) if sealed else None
    try:
        probe = Probe.model_validate_json(text) if text is not None else None
    except ValidationError:  # of another release
        return None
    return probe if probe is not None and abs(at - probe.sent_at) <= VALID_FOR else None


def answer_probe(
    probe: Probe, headers: Mapping[str, str], body: bytes, *, at: datetime, is_behind_unnamed_proxy: bool
) -> ProbeAnswer:
    """Compare what was received with what was sent."""
    received = {name: _digest(value.encode("latin-1")) for name, value in headers.items() if name in probe.headers}
    return ProbeAnswer(
        received_at=at,
        is_body_unchanged=_digest(body) == probe.body,
        missing=tuple(sorted(probe.headers.keys() - received.keys())),
        changed=tuple(sorted(name for name, digest in received.items() if digest != probe.headers[name])),
        is_behind_unnamed_proxy=is_behind_unnamed_proxy,
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
