"""The codec server over real HTTP: who gets payloads opened, from where, and what is written down about it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import json_format
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload, Payloads

from api.codec.app import LARGEST_BODY, open_app
from api.codec.payload_audit import MOST_NAMED
from tests.providers.id360 import samples
from tests.sealed import CONVERTER, SEAL, write_keys
from vigil.audit import AuditLine, AuditLog
from vigil.config.codec_settings import CodecSettings, OidcSettings
from vigil.config.settings import ConfiguredAccount, SealSettings, Settings, StorageSettings, TemporalSettings
from vigil.http_server.server import Server, open_listener
from vigil.runtime import open_runtime
from vigil.sealing.codec import SealingCodec

UI = "https://temporal.example.com"
ISSUER, AUDIENCE, GROUP = "https://login.example.com", "temporal-ui", "vigil-operators"
TOKEN = "q7Yt2nVx9Lk4Rb8Wd3Hs6Jf1Mz5Cp0Ga"
PERSON = "Quorvathsson"
KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
HEADERS = {"origin": UI, "x-namespace": "default", "content-type": "application/json"}


@contextmanager
def issuer(*keys: ec.EllipticCurvePrivateKey) -> Iterator[str]:
    """Publish the keys of an issuer, as a real server does."""
    published = {
        "keys": [
            {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "kid": name_of(key), "use": "sig"}
            for key in keys
        ]
    }

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(published).encode())

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/keys"
        finally:
            server.shutdown()
            thread.join()


def name_of(key: ec.EllipticCurvePrivateKey) -> str:
    return "ours" if key is KEY else "theirs"


def token(*, key: ec.EllipticCurvePrivateKey = KEY, **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "anna",
        "groups": [GROUP],
        "exp": time.time() + 60,
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm="ES256", headers={"kid": name_of(key)})


def settings(folder: Path) -> Settings:
    return Settings(
        digest_key=(SecretStr("Zk3Vn8Qw1Rt6Yb5Xc9Lp2Hd7Fs4Jg0Ma"),),
        seal=SealSettings(folder=folder / "keys"),
        accounts={"acme": ConfiguredAccount(own=samples.settings())},
        temporal=TemporalSettings(address="127.0.0.1:9", namespace="default"),
        storage=StorageSettings(url=(folder / "storage").as_uri()),
    )


class Served:
    """A codec server that listens, and its audit log."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=20)

    async def decode(self, *payloads: Payload, path: str = "/decode", **headers: str) -> httpx.Response:
        body = json_format.MessageToJson(Payloads(payloads=payloads))
        return await self.http.post(path, content=body, headers=HEADERS | headers)

    async def lines(self) -> list[AuditLine]:
        async with open_runtime(settings(self._folder), lazy=True) as runtime:
            return [line async for line in AuditLog(runtime.storage, runtime.digester).lines()]

    async def digest_of(self, path: str) -> str:
        """Return the digest by which a line names a verification."""
        async with open_runtime(settings(self._folder), lazy=True) as runtime:
            return runtime.audit.digest_of(path)


async def serving(folder: Path, codec: CodecSettings) -> AsyncIterator[Served]:
    listener = open_listener("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with open_app(settings(folder), codec) as app:
        server = Server(app, listener, is_guest=True)
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        served = Served(f"http://127.0.0.1:{port}", folder)
        try:
            yield served
        finally:
            await served.http.aclose()
            server.should_exit = True
            await task


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """The server, for tokens of the issuer."""
    write_keys(tmp_path / "keys")
    with issuer(KEY) as keys:
        oidc = OidcSettings(issuer=ISSUER, jwks_url=keys, audience=AUDIENCE, group=GROUP)
        async for each in serving(tmp_path, CodecSettings(ui_origin=UI, oidc=oidc)):
            yield each


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Served]:
    """The server, for the shared token."""
    write_keys(tmp_path / "keys")
    async for each in serving(tmp_path, CodecSettings(ui_origin=UI, token=(SecretStr(TOKEN),))):
        yield each


@pytest.fixture
async def sealed() -> Payload:
    [payload] = await CONVERTER.encode([PERSON])
    return payload


def bearer(value: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {value}"}


def opened(answer: httpx.Response) -> list[bytes]:
    return [each.data for each in json_format.Parse(answer.content, Payloads()).payloads]


async def test_a_member_of_the_group_gets_payloads_opened_and_the_audit_log_says_who(
    served: Served, sealed: Payload
) -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"as it came"')
    answer = await served.decode(sealed, plain, **bearer(token()))

    assert (answer.status_code, opened(answer)) == (200, [f'"{PERSON}"'.encode(), b'"as it came"'])
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["cache-control"] == "no-store"
    assert [(line.who, line.by, line.kind, line.item) for line in await served.lines()] == [
        ("anna", "token", "payloads", "2 payloads")
    ]


async def payload_of(value: object) -> Payload:
    [payload] = await CONVERTER.encode([value])
    return payload


async def test_a_line_names_each_verification_that_the_payloads_name(served: Served) -> None:
    key = {"account": "acme", "reference": "v-1"}
    payloads = [
        await payload_of(value)
        for value in (
            {"record": {"key": key}},
            [{"key": key}, {"key": key | {"reference": "v-2"}}],
            {"account": "unknown", "reference": "v-3"},
            {"account": "no name", "reference": ""},
            {"account": "acme"},
            PERSON,
        )
    ]
    answer = await served.decode(*payloads, **bearer(token()))
    digests = [await served.digest_of(path) for path in ("acme/v-1", "acme/v-2")]

    assert answer.status_code == 200
    assert [(line.account, line.item) for line in await served.lines()] == [("acme", "6 payloads")] * 2
    assert sorted(str(line.verification) for line in await served.lines()) == sorted(digests)


@pytest.mark.parametrize("spread", [True, False], ids=["one in a payload", "all in one payload"])
async def test_each_of_many_named_verifications_has_a_line(shared: Served, *, spread: bool) -> None:
    keys = [{"account": "acme", "reference": f"v-{number}"} for number in range(60)]
    payloads = [await payload_of(key) for key in keys] if spread else [await payload_of(keys)]
    answer = await shared.decode(*payloads, **bearer(TOKEN))
    digests = {await shared.digest_of("acme/v-0"), await shared.digest_of("acme/v-59")}
    named = [line.verification for line in await shared.lines()]

    assert answer.status_code == 200
    assert (len(named), len(set(named))) == (60, 60)
    assert digests < set(named)


async def test_a_request_that_names_more_than_can_be_noted_opens_nothing(shared: Served) -> None:
    keys = [{"account": "acme", "reference": f"v-{number}"} for number in range(MOST_NAMED + 1)]
    answer = await shared.decode(await payload_of(keys), **bearer(TOKEN))

    assert (answer.status_code, "v-1" in answer.text) == (413, False)
    assert await shared.lines() == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"iss": "https://evil.example"}, 401),
        ({"iss": None}, 401),
        ({"aud": "another"}, 401),
        ({"aud": None}, 401),
        ({"sub": None}, 401),
        pytest.param({"key": OTHER_KEY}, 401, id="another key"),
        ({"groups": ["accounting"]}, 403),
        ({"groups": GROUP}, 403),
        ({"groups": None}, 403),
    ],
    ids=str,
)
async def test_a_token_that_is_wrong_opens_nothing_and_leaves_no_line(
    served: Served, sealed: Payload, changes: dict[str, Any], status: int
) -> None:
    answer = await served.decode(sealed, **bearer(token(**changes)))

    assert (answer.status_code, PERSON in answer.text) == (status, False)
    assert await served.lines() == []


async def test_a_token_that_says_how_it_is_to_be_checked_is_not_believed(served: Served, sealed: Payload) -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "ours"})
    by_digest = jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": "ours"})
    answers = [await served.decode(sealed, **bearer(each)) for each in (unsigned, by_digest, "junk", "a.b.c")]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 401]


async def test_no_token_opens_nothing(served: Served, sealed: Payload) -> None:
    assert (await served.decode(sealed)).status_code == 401
    assert (await served.decode(sealed, path=f"/{TOKEN}/decode")).status_code == 401


async def test_keys_that_cannot_be_had_are_no_fault_of_the_token(tmp_path: Path, sealed: Payload) -> None:
    write_keys(tmp_path / "keys")
    oidc = OidcSettings(issuer=ISSUER, jwks_url="http://127.0.0.1:9/keys", audience=AUDIENCE, group=GROUP)
    async for served in serving(tmp_path, CodecSettings(ui_origin=UI, oidc=oidc)):
        assert (await served.decode(sealed, **bearer(token()))).status_code == 503


async def test_the_shared_token_opens_in_the_path_and_as_a_bearer_and_another_does_not(
    shared: Served, sealed: Payload
) -> None:
    good = [await shared.decode(sealed, path=f"/{TOKEN}/decode"), await shared.decode(sealed, **bearer(TOKEN))]
    bad = [await shared.decode(sealed, path="/another/decode"), await shared.decode(sealed)]

    assert [opened(answer) for answer in good] == [[f'"{PERSON}"'.encode()]] * 2
    assert [answer.status_code for answer in bad] == [401, 401]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{UI}.evil.example", "http://temporal.example.com"]
)
async def test_another_page_of_the_browser_opens_nothing(shared: Served, sealed: Payload, origin: str) -> None:
    answer = await shared.decode(sealed, path=f"/{TOKEN}/decode", origin=origin)
    asked = await shared.http.options("/decode", headers={"origin": origin, "access-control-request-method": "POST"})

    assert (answer.status_code, asked.status_code) == (403, 400)
    assert "access-control-allow-origin" not in {*answer.headers, *asked.headers}


async def test_the_ui_may_ask_with_its_headers(served: Served) -> None:
    wanted = "authorization,authorization-extras,content-type,x-namespace"
    asked = await served.http.options(
        "/decode",
        headers={"origin": UI, "access-control-request-method": "POST", "access-control-request-headers": wanted},
    )

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, UI)
    assert set(wanted.split(",")) <= {
        each.strip().lower() for each in asked.headers["access-control-allow-headers"].split(",")
    }


async def test_nothing_can_be_sealed_and_no_reference_be_fetched(shared: Served, sealed: Payload) -> None:
    statuses = [(await shared.decode(sealed, path=f"/{TOKEN}/{verb}")).status_code for verb in ("encode", "download")]

    assert statuses == [404, 404]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"payloads": 1}', b"[" * 100_000], ids=repr)
async def test_a_body_that_is_no_list_of_payloads_is_refused(shared: Served, body: bytes) -> None:
    answer = await shared.http.post(f"/{TOKEN}/decode", content=body, headers=HEADERS)

    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or opened(answer) == []


async def test_a_body_that_is_too_large_is_refused(shared: Served) -> None:
    answer = await shared.http.post(f"/{TOKEN}/decode", content=b" " * (LARGEST_BODY + 1), headers=HEADERS)
    many = json.dumps({"payloads": [{}] * 1001}).encode()

    assert answer.status_code == 413
    assert (await shared.http.post(f"/{TOKEN}/decode", content=many, headers=HEADERS)).status_code == 413


async def test_a_payload_that_does_not_open_is_an_error_that_names_the_key(shared: Served) -> None:
    elsewhere = SealingCodec(SEAL, "staging").seal(Payload(data=b"x"))
    answer = await shared.decode(elsewhere, path=f"/{TOKEN}/decode")

    assert (answer.status_code, "key 820466004" in answer.json()["message"]) == (400, True)


async def test_another_namespace_is_refused(shared: Served, sealed: Payload) -> None:
    assert (await shared.decode(sealed, path=f"/{TOKEN}/decode", **{"x-namespace": "staging"})).status_code == 403


async def test_without_a_line_in_the_audit_log_nothing_is_given_out(
    shared: Served, sealed: Payload, tmp_path: Path
) -> None:
    (tmp_path / "storage").rename(tmp_path / "away")
    (tmp_path / "storage").write_text("a file where the folder was")
    answer = await shared.decode(sealed, path=f"/{TOKEN}/decode")

    assert (answer.status_code, PERSON in answer.text) == (503, False)
