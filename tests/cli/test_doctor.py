"""Deployments that are broken on purpose: `vigil doctor` names each fault, and names none of a good deployment."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.responses import RedirectResponse, Response
from temporalio import activity
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig

from tests.cli.proxies import Passed, build_clock, proxy
from tests.cli.running import vigil
from tests.nginx import Proxy
from tests.s3_server import make_s3_server
from vigil.checkout import find_checkout
from vigil.cli.doctor import find_faults
from vigil.demo.ports import LOOPBACK, Ports, find_free_ports
from vigil.demo.processes import Program
from vigil.demo.simulator_accounts import authorization, read_key, write_settings
from vigil.demo.stack import Stack
from vigil.sealing.keysets import make_keysets
from vigil.simulator.registry import SIMULATED_ACCOUNTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRUSTED = f'trusted_proxies = ["{LOOPBACK}/32"]\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TEMPORAL_ADDRESS", raising=False)
        folder, ports = tmp_path_factory.mktemp("stack"), Ports.find_free()
        config = folder / "vigil.toml"
        temporal = f"{LOOPBACK}:{ports.temporal}"
        write_settings(config, SIMULATED_ACCOUNTS, ports, temporal=temporal, time_scale=600)
        config.write_text(config.read_text().replace("[api]\n", f"[api]\n{TRUSTED}"))
        async with Stack(folder, ports, accounts=SIMULATED_ACCOUNTS, time_scale=600).run() as stack:
            yield stack


async def named(config: Path, url: str) -> dict[str, str]:
    """Return what the doctor names: the first word of each check, and the sentence with the fix."""
    found = await find_faults(config, url)
    faults = [finding for finding in found if not finding.is_ok or finding.is_warning]
    assert all(finding.text and (finding.fix or ":" in finding.text) for finding in faults)
    return {finding.name.split()[0]: f"{finding.text}: {finding.fix}" for finding in faults}


def changed(stack: Stack, name: str, *changes: tuple[str, str]) -> Path:
    """Return other settings beside those of the stack: each change replaces what fits a pattern."""
    text = stack.config.read_text()
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
        assert count, pattern
    config = stack.config.parent / f"{name}.toml"
    config.write_text(text)
    config.chmod(0o600)
    return config


@asynccontextmanager
async def nginx(stack: Stack, folder: Path, *changes: tuple[str, str]) -> AsyncIterator[tuple[str, Path]]:
    """Run nginx with the configuration of compose, changed. Yield its public address and its certificate."""
    proxy = Proxy(folder, int(stack.api.rpartition(":")[2]))
    file = folder / "nginx.conf"
    text = file.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)
    await asyncio.to_thread(proxy.start)
    try:
        yield f"https://{LOOPBACK}:{proxy.public}", proxy.certificate
    finally:
        proxy.kill()


# Good deployments.


async def test_nothing_is_named_where_the_api_is_reached_itself_and_the_command_says_so_with_zero(
    stack: Stack,
) -> None:
    ended = await vigil("doctor", stack.api, "--json", config=stack.config)

    said = json.loads(ended.stdout)
    assert (ended.returncode, said["ok"], ended.stderr) == (0, True, "")
    assert [check for check in said["checks"] if check["fix"] or check["is_warning"]] == []


async def test_nothing_is_named_behind_the_proxy_that_we_ship(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nginx(stack, tmp_path) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await named(stack.config, f"{url}/callbacks/") == {}


async def test_nothing_is_named_behind_a_proxy_that_passes_everything(stack: Stack) -> None:
    async with proxy(stack.api) as url:
        assert await named(stack.config, url) == {}


async def test_probes_leave_nothing_behind(stack: Stack) -> None:
    def kept() -> set[Path]:
        return {path for path in (stack.folder / "storage").rglob("inbox/*/*") if path.is_file()}

    before = kept()
    assert await named(stack.config, stack.api) == {}
    assert kept() == before


# Broken on the way.


async def reserialise(passed: Passed) -> Passed:
    try:
        body = json.dumps(json.loads(passed.body)).encode()
    except ValueError:
        return passed
    return replace(passed, body=body)


async def strip_authorization(passed: Passed) -> Passed:
    return passed.without("authorization")


async def refuse_upgrades(passed: Passed) -> Passed | Response:
    return Response(status_code=426) if "upgrade" in passed.headers else passed


async def answer_itself(passed: Passed) -> Passed | Response:
    return Response("<h1>It works!</h1>", media_type="text/html")


async def redirect(passed: Passed) -> Passed | Response:
    return RedirectResponse(f"https://elsewhere.example{passed.path}", 301)


async def break_down(passed: Passed) -> Passed | Response:
    return Response(status_code=502) if "no-such" in passed.path else passed


async def dawdle(passed: Passed) -> Passed:
    await asyncio.sleep(1.2)
    return passed


async def strip_probes(passed: Passed) -> Passed:
    return passed.without("vigil-probe")


async def open_the_door(passed: Passed) -> Passed | Response:
    return Response("[]", media_type="application/json") if passed.path == "/verifications" else passed


@pytest.mark.parametrize(
    ("change", "name", "part"),
    [
        (reserialise, "bodies", "changes JSON with its blanks and escapes"),
        (strip_authorization, "headers", "removes authorization"),
        (refuse_upgrades, "upgrade", "offers an upgrade to h2c does not arrive (426)"),
        (answer_itself, "address", "it is not the API that answers"),
        (redirect, "address", "redirects (301) to https://elsewhere.example"),
        (break_down, "junk", "junk is answered 502"),
        (dawdle, "answer", "on the way alone"),
        (strip_probes, "address", "the API does not know our probe (401)"),
        (open_the_door, "exposure", "/verifications is open to everybody"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_a_proxy_that_is_in_the_way_is_named_alone(stack: Stack, change: Any, name: str, part: str) -> None:
    async with proxy(stack.api, change) as url:
        found = await named(stack.config, url)

    assert list(found) == [name]
    assert part in found[name]


async def test_a_proxy_that_takes_one_mebibyte_only_is_named(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nginx(stack, tmp_path, ("client_max_body_size 2m", "client_max_body_size 1m")) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        found = await named(stack.config, url)

    assert list(found) == ["large"]
    assert "a callback of 2 MiB does not arrive (413)" in found["large"]


async def test_a_proxy_that_drops_the_headers_of_an_account_is_named(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = changed(stack, "underscore", (r'callback_headers = \{ "Authorization"', 'callback_headers = { "X_Secret"'))
    async with nginx(stack, tmp_path) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        found = await named(config, url)

    assert list(found) == ["headers"]
    assert "removes x_secret" in found["headers"]
    assert "underscores_in_headers on" in found["headers"]


async def test_an_address_with_tls_1_3_alone_and_one_with_an_untrusted_certificate_are_named(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nginx(stack, tmp_path, ("TLSv1.2 TLSv1.3", "TLSv1.3")) as (url, certificate):
        untrusted = await named(stack.config, url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        modern = await named(stack.config, url)

    assert set(untrusted) == {"TLS", "address"}
    assert "the certificate of this address is not trusted" in untrusted["TLS"]
    assert list(modern) == ["TLS"]
    assert "offers no TLS 1.2" in modern["TLS"]


async def test_nobody_at_the_address_is_named(stack: Stack) -> None:
    found = await named(stack.config, f"http://{LOOPBACK}:{find_free_ports(1)[0]}")

    assert list(found) == ["address"]
    assert "no answer (ConnectError)" in found["address"]


# Broken inside.


async def test_a_clock_that_is_wrong_and_a_proxy_that_is_not_named_in_the_settings_are_named(
    stack: Stack, tmp_path: Path
) -> None:
    config = changed(stack, "clock", (re.escape(TRUSTED), ""))
    [port] = find_free_ports(1)
    ahead = {"LD_PRELOAD": str(build_clock(tmp_path)), "CLOCK_AHEAD": "600", "VIGIL_CONFIG": str(config)}
    serve = ["-m", "vigil.cli.main", "serve", "api", "--host", LOOPBACK, "--port", str(port)]
    program = Program(
        [sys.executable, *serve],
        log=tmp_path / "api.log",
        environment={**os.environ, **ahead},
        folder=find_checkout(),
    )
    url = f"http://{LOOPBACK}:{port}"
    await program.start()
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
            while True:
                try:
                    await http.get(f"{url}/health/live")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
        plain = await named(config, url)
        async with proxy(url) as behind:
            proxied = await named(config, behind)
    finally:
        await program.stop()

    assert list(plain) == ["clock"]
    assert re.search(r"the API's clock is (599|600|601) s ahead of the clock of this machine", plain["clock"])
    assert set(proxied) == {"clock", "proxy"}
    assert "[api] trusted_proxies" in proxied["proxy"]


async def test_settings_with_another_secret_than_the_api_has_and_with_none_are_named(stack: Stack) -> None:
    other = changed(stack, "other", (r'^digest_key = "vigil_.', 'digest_key = "vigil_~'))
    none = changed(stack, "none", ("webhook-secret", "no-such-file"))

    assert list(await named(other, stack.api)) == ["address"]
    assert list(await named(none, stack.api)) == ["settings"]


async def test_a_namespace_without_our_search_attributes_is_named_and_no_worker_polls_there(stack: Stack) -> None:
    client = await Client.connect(stack.server.address, namespace="bare")
    request = RegisterNamespaceRequest(namespace="bare")
    request.workflow_execution_retention_period.FromSeconds(86400)
    await client.workflow_service.register_namespace(request)
    config = changed(stack, "bare", (r"^\[temporal\]", '[temporal]\nnamespace = "bare"'))
    async with asyncio.timeout(60):
        while True:  # it is known everywhere after some seconds
            try:
                await client.count_workflows("WorkflowType = 'x'")
                break
            except RPCError:
                await asyncio.sleep(0.5)
    found = await named(config, stack.api)

    assert {"temporal", "queue"} <= set(found)
    assert set(found) <= {"temporal", "queue", "callbacks"}
    assert "lacks the search attributes VigilAccount" in found["temporal"]
    assert "run `vigil setup`" in found["temporal"]


async def test_an_account_whose_queue_no_worker_polls_is_named(stack: Stack) -> None:
    added = '[accounts.id360-second]\nprovider = "id360"\nenvironment = "sandbox"\n'
    added += f'base_url = "{stack.simulator}/id360"\nusername = "vigil"\npassword = "another password, long"\n'
    added += 'callback_headers = { "Authorization" = "vigil_kJ3hG5fD7sA9qW2eR4tY6uI8oP0zX" }\n\n[accounts.id360]'
    found = await named(changed(stack, "second", (r"^\[accounts\.id360\]", added)), stack.api)

    assert list(found) == ["queue"]
    assert found["queue"] == "no worker polls `provider/id360-second`: start a worker"


@activity.defn(name="nothing")
async def _nothing() -> None:
    return None


async def test_a_deployment_of_workers_without_a_current_build_is_named(stack: Stack) -> None:
    config = changed(stack, "builds", (r"^\[temporal\]", '[worker]\ndeployment = "lonely"\n\n[temporal]'))
    never = await named(config, stack.api)
    client = await Client.connect(stack.server.address)
    version = WorkerDeploymentConfig(version=WorkerDeploymentVersion("lonely", "1"), use_worker_versioning=True)
    async with Worker(client, task_queue="lonely", activities=[_nothing], deployment_config=version):
        async with asyncio.timeout(30):
            while "is current" not in (found := await named(config, stack.api)).get("builds", ""):
                await asyncio.sleep(0.5)

    assert list(never) == list(found) == ["builds"]
    assert "no worker of the deployment lonely has asked for work yet: start one" in never["builds"]
    assert "no build of the deployment lonely is current: run `vigil deploy current BUILD`" in found["builds"]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 server with the bucket `vigil`."""
    server = make_s3_server(0)
    thread = Thread(target=server.serve_forever)
    thread.start()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    url = f"http://{LOOPBACK}:{server.server_port}"
    httpx.put(f"{url}/vigil", trust_env=False).raise_for_status()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


async def refuse_lists(passed: Passed) -> Passed | Response:
    return Response(status_code=403) if passed.method == "GET" and "list-type=2" in passed.path else passed


async def test_storage_that_may_be_written_and_not_listed_is_named(
    stack: Stack, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = changed(stack, "bucket", (r'^url = "file://.*"', 'url = "s3://vigil"'))
    async with proxy(bucket, refuse_lists) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        found = await named(config, stack.api)

    assert set(found) == {"storage", "quarantine"}
    assert "can be written and not listed" in found["storage"]


async def refuse_address(passed: Passed) -> Passed | Response:
    if passed.path.endswith("/login") or passed.method == "POST":
        return passed
    return Response('{"message": "IP not in allowlist"}', 403, media_type="application/json")


async def test_an_address_that_is_not_on_the_provider_s_list_is_named(stack: Stack) -> None:
    generation = next(account.name for account in SIMULATED_ACCOUNTS if account.settings.get("generations") == ["v3"])
    async with proxy(stack.simulator, refuse_address) as url:
        config = changed(
            stack,
            "unlisted",
            (rf"(^\[accounts\.{generation}\](?:\n[^\[].*)*?\nbase_url = )\"{stack.simulator}", rf'\1"{url}'),
        )
        found = await named(config, stack.api)

    assert list(found) == ["login"]
    assert "this machine's address is not on the provider's list: have it added there" in found["login"]


async def test_verdicts_that_no_callback_announces_and_keys_that_do_not_open_them_are_named(stack: Stack) -> None:
    """The provider has another event, or another address, than `vigil accounts` prints."""
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=authorization(read_key(stack.config))) as http:
        for _ in range(3):
            created = await http.post(
                f"{stack.simulator}/control/id360/verifications",
                json={"endpoints": [], "think": "PT1M", "step_every": "PT30S"},
            )
            reference = created.raise_for_status().json()["reference"]
            registered = {"account": "id360", "reference": reference}
            (await http.post(f"{stack.api}/verifications", json=registered)).raise_for_status()
            async with asyncio.timeout(120):
                path = f"{stack.api}/verifications/id360/{reference}"
                while ((await http.get(path)).json()["state"] or {}).get("stage") != "complete":
                    await asyncio.sleep(1)
    found = await named(stack.config, stack.api)

    assert list(found) == ["callbacks"]
    assert "no callback announced the verdict of the last 3 verifications" in found["callbacks"]
    assert "`vigil accounts id360`" in found["callbacks"]

    make_keysets(stack.folder / "other-keys")
    other = await named(changed(stack, "keyless", ('^folder = "keys"', 'folder = "other-keys"')), stack.api)
    absent = await named(changed(stack, "keys", ('^folder = "keys"', 'folder = "no-such-keys"')), stack.api)

    assert list(other) == ["callbacks"]
    assert "cannot read the state of its verifications: give these settings the keysets" in other["callbacks"]
    assert list(absent) == ["keys"]
    assert "The keys cannot be opened" in absent["keys"]
