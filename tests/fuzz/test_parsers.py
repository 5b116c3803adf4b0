"""Bytes near genuine ones, into everything that reads bytes from outside: declared errors alone, in linear time."""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.callbacks.content_coding import BodyTooLarge, decode_body
from tests.conformance.kit import kit_of
from tests.fuzz.corpus import CALLBACKS, RESULTS, near
from tests.fuzz.effort import tries
from tests.golden.record import FILES
from tests.providers.raw_server import SteadyClock
from tests.providers.readers import READERS, ReaderCase, TokenCase
from vigil.callback_mapping import build_event, build_key, build_receipt, needs_receipt
from vigil.config.accounts import OpenAccount, build_account
from vigil.config.settings import ConfiguredAccount
from vigil.domain.digest import Digester
from vigil.domain.errors import CallbackRefused, ProviderError
from vigil.domain.record import RecordNotReadable, parse_record
from vigil.domain.terms import Proof
from vigil.probe import open_probe
from vigil.providers.contract import (
    CallbackRequest,
    ClaimReader,
    GenuineRequest,
    PartnerMetadataSource,
    ReasonTextSource,
)
from vigil.providers.parsing import CallbackBody, NotReadable, parse_json
from vigil.providers.registry import PROVIDERS
from vigil.storage.inbox import AddressedEvent

DIGESTER: Final = Digester(b"a key for tests")
LARGEST: Final = 2 * 1024 * 1024
NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
CODINGS: Final = st.sampled_from(["", "gzip", "deflate", "gzip, gzip", "br", "identity"])
CHARSETS: Final = st.sampled_from(["", "; charset=utf-16", "; charset=latin-1", "; charset=utf-7", '; charset="'])


def open_accounts() -> list[OpenAccount]:
    opened = []
    for name, entry in PROVIDERS.items():
        settings = entry.settings.model_validate({"provider": name, **kit_of(name).settings("http://127.0.0.1:9")})
        provider = entry.open_account(name.replace("_", "-"), settings, httpx.AsyncClient())
        opened.append(build_account(provider, ConfiguredAccount(own=settings), time_scale=1))
    return opened


ACCOUNTS: Final = open_accounts()


def take_in(account: OpenAccount, body: bytes, headers: dict[str, str], proof: Proof) -> None:
    """Do what the API does with a callback before it stores and signals it."""
    with suppress(BodyTooLarge):
        body = decode_body(body, headers, largest=LARGEST)
    request = CallbackRequest(account.name, None, headers, body, received_at=NOW)
    with suppress(CallbackRefused):
        account.provider.prove(request)
    genuine = GenuineRequest(request, proof, kept_body=body)
    events = []
    for callback in account.provider.read_callbacks(genuine):
        key = build_key(account, callback)
        if key is not None:
            event = build_event(genuine, callback, key, DIGESTER)
            assert type(event).model_validate_json(event.model_dump_json()) == event
            events.append(AddressedEvent(key=key, path="acme/r-1", event=event, repeats_until=NOW))
    needs_receipt(account, events)
    build_receipt(account, genuine, events)
    if account.provider.message_reader is not None:
        account.provider.message_reader.read_message(body)


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
@given(data=st.data())
@tries(60)
def test_a_callback_of_any_bytes_is_read_or_refused(account: OpenAccount, data: st.DataObject) -> None:
    body = data.draw(near(CALLBACKS))
    headers = {
        "content-type": f"application/json{data.draw(CHARSETS)}",
        "content-encoding": data.draw(CODINGS),
        "job-id": data.draw(st.sampled_from(["", "job_01kj0000000000000000000001", "\x7f", "a" * 300])),
        "response-timestamp": data.draw(st.sampled_from(["", "2026-03-01T00:00:00Z", "x", "9" * 400])),
        "response-signature": data.draw(st.sampled_from(["", "AAAA", "é"])),
    }
    take_in(account, body, headers, data.draw(st.sampled_from(Proof)))


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
@given(result=near(RESULTS))
@tries(50)
def test_what_is_read_from_a_stored_result_never_fails(account: OpenAccount, result: bytes) -> None:
    provider = account.provider
    if isinstance(provider, ClaimReader):
        provider.read_claims(result)
    if isinstance(provider, PartnerMetadataSource):
        provider.partner_metadata(result)
    if isinstance(provider, ReasonTextSource):
        provider.reason_text(result)


@pytest.mark.parametrize("case", READERS, ids=str)
@given(result=near(RESULTS), status=st.sampled_from([200, 200, 200, 200, 202, 204, 401, 403, 404, 410, 429, 500]))
@tries(50)
def test_an_answer_of_any_bytes_is_a_snapshot_or_a_declared_error(case: ReaderCase, result: bytes, status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(case, TokenCase) and request.url.path == case.login:
            return httpx.Response(200, json={case.token_field: "t", "expires_in": 600, "token_type": "Bearer"})
        return httpx.Response(status, content=result, headers={"content-type": "application/json"})

    async def read() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            reader = case.build("https://provider.example", http, SteadyClock())
            with suppress(ProviderError):
                reply = await reader.read(case.request)
                if reply.snapshot is not None:
                    again = type(reply.snapshot).model_validate_json(reply.snapshot.model_dump_json())
                    assert again == reply.snapshot

    asyncio.run(read())


@given(content=near([(FILES / "Record.json").read_bytes()]))
@tries(60)
def test_a_record_of_any_bytes_is_read_or_not_readable(content: bytes) -> None:
    with suppress(RecordNotReadable):
        parse_record(content)


@given(sealed=st.text(max_size=200))
@tries(60)
def test_a_probe_of_any_text_is_none(sealed: str) -> None:
    assert open_probe(DIGESTER, sealed, at=NOW) is None


PATTERNS: Final = {
    "open brackets": (b"[", b""),
    "closed brackets": (b"[],", b"]"),
    "open objects": (b'{"a":', b""),
    "quotes": (b'"', b""),
    "escapes": (b"\\u0041", b'"}'),
    "a long number": (b"9", b""),
    "blanks": (b" ", b"{}"),
    "names": (b'"a":1,', b'"b":2}'),
    "letters": (b"A", b""),
    "slashes": (b"/../", b""),
    "zeros": (b"\x00", b""),
    "combining letters": ("e\u0301\u0301".encode(), b""),
}
STARTS: Final = {"": b"", "in an array": b"[", "in an object": b"{", "as a status": b'{"id": 7, "status": "'}


def readers_of_bytes() -> dict[str, Callable[[bytes], Any]]:
    found: dict[str, Callable[[bytes], Any]] = {
        f"callback of {account.name}": partial(take_in, account, headers={}, proof=Proof.SECRET) for account in ACCOUNTS
    }
    for account in ACCOUNTS:
        if isinstance(account.provider, ClaimReader):
            found[f"claims of {account.name}"] = account.provider.read_claims
    return found | {"json": lambda content: parse_json(CallbackBody(content)), "record": parse_record}


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection, which looks at all that the other tests hold."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("reader", readers_of_bytes().items(), ids=lambda pair: pair[0])
def test_the_time_to_read_grows_as_the_bytes_do(reader: tuple[str, Callable[[bytes], Any]]) -> None:
    """Sixteen times as many bytes take at most 64 times as long, or no time that anybody notices."""

    def took(pattern: bytes, start: bytes, end: bytes, size: int) -> float:
        body = start + pattern * (size // len(pattern)) + end
        began = time.process_time()
        with suppress(NotReadable, RecordNotReadable):
            reader[1](body)
        return time.process_time() - began

    slow = {}
    for name, (pattern, end) in PATTERNS.items():
        for where, start in STARTS.items():
            small, large = (took(pattern, start, end, size) for size in (32 * 1024, 512 * 1024))
            if large > 0.25 and large > 64 * max(small, 0.001):
                slow[name, where] = (small, large)
    assert slow == {}
