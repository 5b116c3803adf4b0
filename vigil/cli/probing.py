"""What `vigil doctor` sends to a deployed address: probes that the API compares, and what a stranger may send."""

import gzip
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from vigil.cli.findings import CheckFailed
from vigil.domain.digest import Digester
from vigil.domain.tracking_plan import spoken
from vigil.probe import HEADER, VALID_FOR, ProbeAnswer, build_probe

ANSWER_WITHIN: Final = 10.0
"""Seconds for each request."""
TIMED: Final = 10
"""Probes whose answers are timed."""
LARGEST_BODY: Final = 2 * 1024 * 1024
"""In bytes: the largest body that the API takes."""
TOLERATED_SKEW: Final = timedelta(seconds=30)
_PATH: Final = "/callbacks"
_JSON: Final = "application/json"
_TEXT: Final = '{ "name" :"Zo\u00eb \\u00e9\\/", "n": 1.10, "n": 1e2,\r\n\t"list": [ ] }\r\n'.encode()
_BODIES: Final[Mapping[str, tuple[bytes, Mapping[str, str]]]] = {
    "JSON with its blanks and escapes": (_TEXT, {}),
    "an empty body": (b"", {}),
    "a body of all bytes": (bytes(range(256)), {"Content-Type": "application/octet-stream"}),
    "a body in Latin-1": ("Zo\u00eb".encode("latin-1"), {"Content-Type": "text/plain; charset=iso-8859-1"}),
    "a form": (b"a=1&b=%20+&a=2", {"Content-Type": "application/x-www-form-urlencoded"}),
    "a body in gzip": (gzip.compress(_TEXT), {"Content-Encoding": "gzip"}),
}
_MARK: Final = b"probe"
"""A body that nothing takes for JSON."""
_VALUE: Final = "Probe aA0+/=._~-:;,"
"""Every kind of character that a signature or a password may have in a header."""
_OFFERS: Final = {
    "h2c": {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"},
    "websocket": {"Connection": "Upgrade", "Upgrade": "websocket"},
}
_PRIVATE_PATHS: Final = ("/verifications", "/metrics", "/health/installation", "/refusals")


@dataclass(frozen=True)
class Address:
    """A deployed address, such as `https://callbacks.example.com`, and the account to whose callbacks probes go."""

    http: httpx.AsyncClient
    url: str
    account: str
    digester: Digester
    proof_headers: frozenset[str] = frozenset()

    async def check_answers(self) -> str:
        """Check that something answers there, without a redirect, and that it is an API with these settings."""
        answer = await self._send("GET", f"{_PATH}/{self.account}")
        if answer.is_redirect:
            to = urlsplit(answer.headers.get("location", ""))
            text = f"redirects ({answer.status_code}) to {to.scheme}://{to.netloc}: many senders lose the body there"
            raise CheckFailed(text, "give providers the address behind it, or remove the redirect for /callbacks")
        if answer.status_code != httpx.codes.OK or answer.content:
            fix = f"let the proxy pass {_PATH}/ to the API"
            raise CheckFailed(f"answers {answer.status_code}, and it is not the API that answers", fix)
        answer, probe = await self.probe(_TEXT, {})
        if probe is not None:
            return f"the API answers at {self.url}{_PATH}/"
        clock = _clock_of(answer)
        if clock is not None and abs(clock - datetime.now(UTC)) > VALID_FOR:
            raise CheckFailed("its clock is more than an hour from the clock of this machine", "synchronise both")
        if answer.content or answer.status_code < httpx.codes.BAD_REQUEST:
            fix = f"let the proxy pass {_PATH}/ to the API"
            raise CheckFailed(f"answers {answer.status_code} to a POST, and it is not the API that answers", fix)
        raise CheckFailed(
            f"the API does not know our probe ({answer.status_code})",
            f"give it the digest_key of these settings and this release, and let the proxy pass the header {HEADER}",
        )

    async def check_bodies(self) -> str:
        """Check that bodies arrive as they were sent."""
        changed = []
        for what, (body, headers) in _BODIES.items():
            answer, probe = await self.probe(body, headers)
            if probe is None:
                raise CheckFailed(f"{what} does not arrive ({answer.status_code})", "let the proxy pass every body")
            if not probe.is_body_unchanged:
                changed.append(what)
        if changed:
            text = f"something on the way changes {', '.join(changed)}, so that signatures fail"
            raise CheckFailed(text, "let the proxy pass bodies as they are")
        return "bodies arrive as they were sent"

    async def check_headers(self) -> str:
        """Check that the headers arrive which prove callbacks."""
        names = self.proof_headers | {"authorization", "content-type", "user-agent", "x-signature"}
        sent = dict.fromkeys(names, _VALUE) | {"content-type": f"{_JSON}; charset=UTF-8"}
        answer, probe = await self.probe(_TEXT, sent)
        if probe is None:
            fix = f"let the proxy pass the headers {', '.join(sorted(names))}"
            raise CheckFailed(f"a request with the headers of a proof is refused ({answer.status_code})", fix)
        if probe.missing or probe.changed:
            lost = [f"removes {name}" for name in probe.missing] + [f"changes {name}" for name in probe.changed]
            fix = "let the proxy pass headers as they are"
            if any("_" in name for name in probe.missing):
                fix += ", those with `_` too (nginx: underscores_in_headers on)"
            raise CheckFailed(f"something on the way {', '.join(lost)}, so that proofs fail", fix)
        return "headers arrive as they were sent"

    async def check_large_body(self) -> str:
        """Check that a body of 2 MiB arrives."""
        body = (b"0123456789abcdef" * (LARGEST_BODY // 16))[:LARGEST_BODY]
        answer, probe = await self.probe(body, {})
        if probe is None or not probe.is_body_unchanged:
            text = f"a callback of 2 MiB does not arrive ({answer.status_code}), and results with files are as large"
            raise CheckFailed(text, "let the proxy take bodies of 2 MiB (nginx: client_max_body_size 2m)")
        return "a body of 2 MiB arrives"

    async def check_upgrade(self) -> str:
        """Check that an offer of another protocol is ignored: some HTTP clients make it with each request."""
        for protocol, headers in _OFFERS.items():
            try:
                answer, probe = await self.probe(_MARK, headers)
            except CheckFailed:
                status = "no answer"
            else:
                if probe is not None and probe.is_body_unchanged:
                    continue
                status = str(answer.status_code)
            text = f"a request that offers an upgrade to {protocol} does not arrive ({status})"
            raise CheckFailed(text, "let the proxy ignore or remove the header Upgrade")
        return "offers of an upgrade are ignored"

    async def check_answer_time(self, budget: timedelta) -> str:
        """Check that answers come long before the most impatient sender gives up."""
        took = []
        for _ in range(TIMED):
            began = time.perf_counter()
            await self.probe(_TEXT, {})
            took.append(timedelta(seconds=time.perf_counter() - began))
        slowest = f"{max(took).total_seconds() * 1000:.0f} ms"
        # The API itself may take two seconds where storage or Temporal are slow.
        if max(took) + timedelta(seconds=2) > budget:
            text = f"an answer took {slowest} on the way alone, and a sender waits for {spoken(budget)}"
            raise CheckFailed(text, "find what delays requests before the API")
        if max(took) > timedelta(seconds=1):
            text = f"an answer took {slowest} on the way alone"
            raise CheckFailed(text, "find what delays requests before the API", is_warning=True)
        return f"{TIMED} answers, the slowest after {slowest}"

    async def check_clock(self) -> str:
        """Check that the API's clock is that of this machine: signatures are stale after minutes."""
        sent_at = datetime.now(UTC)
        _, probe = await self.probe(_TEXT, {})
        if probe is None:
            raise CheckFailed("the API does not say its time", "repeat the command")
        between = sent_at + (datetime.now(UTC) - sent_at) / 2
        skew = probe.received_at - between
        side = "ahead of" if skew > timedelta(0) else "behind"
        if abs(skew) > TOLERATED_SKEW:
            text = f"the API's clock is {abs(skew).total_seconds():.0f} s {side} the clock of this machine"
            raise CheckFailed(text, "synchronise both: signed callbacks are stale by the wrong clock")
        return f"{abs(skew).total_seconds():.1f} s apart"

    async def check_proxy(self) -> str:
        """Check that the API sees the addresses of senders, and not that of our proxy."""
        _, probe = await self.probe(_TEXT, {})
        if probe is not None and probe.is_behind_unnamed_proxy:
            text = "the API takes its proxy for the sender of every callback, so all senders share one limit"
            raise CheckFailed(text, "name the proxy's network in [api] trusted_proxies", is_warning=True)
        return "the API sees the addresses of senders"

    async def check_junk(self) -> str:
        """Check that what strangers send is refused by the API itself, with a code that blocks no sender."""
        # No account has such a name, so none of them is listed among its refusals.
        for path in (f"{_PATH}/no-such-account", f"{_PATH}/no-such-account/%2e%2e/%ff", f"{_PATH}/{'a' * 2000}"):
            answer = await self._send("POST", path, content=b"\x00\xff{", headers={"Content-Type": _JSON})
            if answer.is_success or answer.is_server_error or answer.is_redirect:
                text = f"junk is answered {answer.status_code}"
                raise CheckFailed(text, f"let the proxy pass {_PATH}/ to the API and answer nothing itself there")
        return "junk is refused"

    async def check_exposure(self) -> str:
        """Check that nothing for backends and operators is open to strangers."""
        for path in _PRIVATE_PATHS:
            answer = await self._send("GET", path)
            # A page of another program has another content type, and is no door of ours.
            is_ours = answer.headers.get("content-type", "").startswith((_JSON, "text/plain"))
            if answer.is_success and is_ours:
                fix = f"let the proxy pass {_PATH}/ alone, and add [api] keys"
                raise CheckFailed(f"{path} is open to everybody", fix)
        return "paths for backends and operators need a key, or are not there"

    async def probe(self, body: bytes, headers: Mapping[str, str]) -> tuple[httpx.Response, ProbeAnswer | None]:
        """Send a probe. Return the response, and what the API says; None: it is not the API that answers."""
        sent = {"Content-Type": _JSON, **headers} if "content-type" not in headers else dict(headers)
        watched = {name: value for name, value in sent.items() if name.lower() not in _BETWEEN}
        seal = build_probe(body, watched, at=datetime.now(UTC)).seal(self.digester)
        answer = await self._send("POST", f"{_PATH}/{self.account}", content=body, headers={**sent, HEADER: seal})
        try:
            said = ProbeAnswer.model_validate_json(answer.content) if answer.status_code == httpx.codes.OK else None
        except ValidationError:
            said = None
        return answer, said

    async def _send(
        self, method: str, path: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            return await self.http.request(method, f"{self.url}{path}", content=content, headers=headers)
        except httpx.TimeoutException:
            raise CheckFailed(
                f"no answer within {ANSWER_WITHIN:g} s", "find what delays requests before the API"
            ) from None
        except httpx.HTTPError as error:
            raise CheckFailed(f"no answer ({type(error).__name__})", "check the address and the network") from None


_BETWEEN: Final = frozenset({"connection", "upgrade", "http2-settings"})
"""Headers between two neighbours: no proxy passes them on (RFC 9110, 7.6.1)."""


@asynccontextmanager
async def open_probing_http() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that trusts what this machine trusts (`SSL_CERT_FILE` adds to it) and follows no redirect."""
    async with httpx.AsyncClient(
        verify=ssl.create_default_context(), trust_env=False, follow_redirects=False, timeout=ANSWER_WITHIN
    ) as http:
        yield http


def _clock_of(answer: httpx.Response) -> datetime | None:
    try:
        return datetime.strptime(answer.headers.get("date", ""), "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
