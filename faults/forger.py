"""Callbacks that the provider never sent: without the secret, of nobody, and with other words than the truth."""

import asyncio
import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import httpx

from faults.mix import Case
from faults.recorder import FORGED, Recorder

_FLIPPED: Final = {
    b'"OK"': b'"KO"',
    b"approved": b"rejected",
    b"accepted": b"rejected",
    b"clear": b"block",
    b"0810": b"0811",
    b"STARTED": b"KO",
}


_SIGNATURE_TEXT: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
_SIGNATURE: Final = re.compile(_SIGNATURE_TEXT.pattern.encode())


@dataclass
class Forger:
    """Copies callbacks that were seen, changes them, and sends them through the same proxy."""

    recorder: Recorder
    proxy: str
    secrets_of: Mapping[str, str]
    """By account, the secret that its callbacks bear; empty where none is in the callback."""
    random: Random
    ghosts: list[tuple[str, str]] = field(default_factory=list)
    """Account and reference of verifications that do not exist."""

    async def run(self, cases: Sequence[Case], *, every: float) -> None:
        """Send a forged callback every so many seconds, until canceled."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            while True:
                await asyncio.sleep(every)
                if self.recorder.samples:
                    await self._forge(http, cases)

    async def _forge(self, http: httpx.AsyncClient, cases: Sequence[Case]) -> None:
        account = self.random.choice(sorted(self.recorder.samples))
        path, headers, body = self.recorder.samples[account]
        owner = next((case for case in cases if case.reference and case.reference.encode() in body), None)
        if owner is None:
            owner = next((case for case in cases if _names(case, body)), None)
        if owner is None:
            return
        others = [case for case in cases if case.account == account and case.reference]
        kind = self.random.choice(["ghost", "silent", "other"])
        silent = [case for case in others if case.end is None]
        if kind == "ghost" or not silent:
            kind, reference = "ghost", _ghost_of(owner.reference)
            self.ghosts.append((account, reference))
        else:
            reference = self.random.choice(silent if kind == "silent" else others).reference
        body = _renamed(body, owner.reference, reference)
        headers = {
            name: _renamed(value.encode(), owner.reference, reference).decode() for name, value in headers.items()
        }
        for word, other in _FLIPPED.items():
            body = body.replace(word, other)
        if kind == "ghost":
            # Who has seen a signature whose mark was not stored may use it once: that is known to be allowed.
            body = _SIGNATURE.sub(lambda _: _signature().encode(), body)
            headers = {name: _SIGNATURE_TEXT.sub(lambda _: _signature(), value) for name, value in headers.items()}
        secret = self.secrets_of.get(account)
        if secret:
            wrong = secrets.token_urlsafe(len(secret))[: len(secret)]
            body = body.replace(secret.encode(), wrong.encode())
            headers = {name: value.replace(secret, wrong) for name, value in headers.items()}
        try:
            await http.post(f"{self.proxy}{path}", content=body, headers={**headers, FORGED: kind})
        except httpx.HTTPError:
            return


def _signature() -> str:
    """Return an HMAC of nothing, in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _names(case: Case, body: bytes) -> bool:
    """Return whether a body names the parts of a reference, such as a dossier and its process."""
    parts = case.reference.split(":")
    return len(parts) > 1 and all(part.encode() in body for part in parts)


def _renamed(body: bytes, reference: str, other: str) -> bytes:
    for part, instead in zip(reference.split(":"), other.split(":"), strict=False):
        body = body.replace(part.encode(), instead.encode())
    return body


def _ghost_of(reference: str) -> str:
    """Return a reference of the same form that nobody has."""

    def other(letter: str) -> str:
        if letter.isdigit():
            return secrets.choice("123456789")
        return secrets.choice("abcdef") if letter.islower() else letter

    head, mark, rest = reference.partition("_")
    return f"{head}{mark}{''.join(map(other, rest))}" if mark else "".join(map(other, reference))
