"""Who may see the pages, and from where a browser may send their forms."""

from datetime import timedelta

import pytest
from fastapi.routing import iter_route_contexts

from api.app import build_app
from api.dependencies import Dependencies, Needs
from api.ui.routing import PageRoute
from api.ui.sessions import COOKIE, LASTS, Sessions
from tests.api.fakes import account_in
from tests.ui.conftest import ORIGIN, Pages, holder, key_of, sign_in
from tests.world import ACCOUNT, World
from vigil.config.keys import hash_key
from vigil.domain.digest import Digester

EVERY_PAGE = ["/ui", "/ui/callbacks", "/ui/accounts", f"/ui/verifications/{ACCOUNT}/v-1"]


@pytest.mark.parametrize("page", EVERY_PAGE)
async def test_without_a_session_every_page_leads_to_the_one_that_asks_for_a_key(pages: Pages, page: str) -> None:
    async with pages(holder("anna", "read")) as client:
        answer = await client.get(page)
        with_a_key = await client.get(page, headers={"authorization": f"Bearer {key_of('anna')}"})
        asked = await client.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, f"/ui/sign-in?next={page}")
    assert with_a_key.status_code == 303  # a key in a header is for programs
    assert asked.status_code == 200
    assert f'name="next" value="{page}"' in asked.text


async def test_a_key_begins_a_session_whose_cookie_no_script_and_no_other_site_can_use(pages: Pages) -> None:
    async with pages(holder("anna", "read")) as client:
        signed_in = await sign_in(client, "anna", next="/ui?needs=attention")
        page = await client.get("/ui")
        elsewhere = await client.get("/verifications")

    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/ui?needs=attention")
    assert signed_in.headers["set-cookie"].partition("; ")[2] == "HttpOnly; Max-Age=43200; Path=/ui; SameSite=lax"
    assert key_of("anna") not in signed_in.headers["set-cookie"]
    assert page.status_code == 200
    assert "anna" in page.text
    assert elsewhere.status_code == 401  # the cookie is for the pages alone


async def test_the_cookie_of_another_host_than_this_machine_goes_over_tls_alone(pages: Pages) -> None:
    async with pages(holder("anna", "read")) as client:
        headers = {"host": "vigil.example", "origin": "https://vigil.example"}
        signed_in = await client.post("/ui/sign-in", data={"key": key_of("anna")}, headers=headers)

    assert "; Secure" in signed_in.headers["set-cookie"]


async def test_over_plain_http_from_elsewhere_signing_in_says_what_to_do_in_place_of_asking_again(pages: Pages) -> None:
    async with pages(holder("anna", "read")) as client:
        headers = {"host": "vigil.example", "origin": "http://vigil.example"}
        signed_in = await client.post("/ui/sign-in", data={"key": key_of("anna")}, headers=headers)

    assert signed_in.status_code == 400
    assert "over plain HTTP a browser drops the session: open this page by https://" in signed_in.text
    assert "set-cookie" not in signed_in.headers


async def test_a_wrong_key_begins_nothing_and_is_counted(pages: Pages) -> None:
    async with pages(holder("anna", "read")) as client:
        refused = await sign_in(client, "berta")

    assert refused.status_code == 401
    assert "This is no key of these settings." in refused.text
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize(
    "destination",
    ["https://evil.example", "//evil.example/ui", "/ui//evil.example", "/ui/\\evil", "/uix", "/ui/\r\nx: y"],
)
async def test_signing_in_never_leads_to_another_site(pages: Pages, destination: str) -> None:
    async with pages(holder("anna", "read")) as client:
        signed_in = await sign_in(client, "anna", next=destination)

    assert signed_in.headers["location"] == "/ui"


def test_a_session_ends_with_its_time_with_its_key_and_when_it_was_altered() -> None:
    now = [1_000_000.0]
    digester, anna, berta = Digester(b"key"), holder("anna", "read"), holder("berta", "read")
    sessions = Sessions(digester, [anna, berta], clock=lambda: now[0])
    cookie = f"{COOKIE}={sessions.begin(anna, hash_key(key_of('anna')))}"
    changed = holder("anna", "read", key=key_of("anna-anew"))

    assert sessions.holder(cookie) == anna
    assert sessions.holder(cookie.replace("anna", "berta")) is None
    assert sessions.holder(cookie.replace("1043200", "9043200")) is None
    assert sessions.holder(f"{COOKIE}=anna.") is None
    assert sessions.holder("") is None
    assert Sessions(digester, [changed], clock=lambda: now[0]).holder(cookie) is None
    assert Sessions(Digester(b"other"), [anna], clock=lambda: now[0]).holder(cookie) is None
    now[0] += LASTS.total_seconds() - 1
    assert sessions.holder(cookie) == anna
    now[0] += timedelta(seconds=1).total_seconds()
    assert sessions.holder(cookie) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {**ORIGIN, "sec-fetch-site": "cross-site"},
        {**ORIGIN, "sec-fetch-site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(world: World, pages: Pages, headers: dict[str, str]) -> None:
    async with pages(holder("anna", "read", "command")) as client, world.workers():
        await sign_in(client, "anna")
        await world.register()
        address = f"/ui/verifications/{ACCOUNT}/{world.key.reference}/commands/withdraw"
        answer = await client.post(address, data={"sure": "yes", "command_id": "withdraw-12345678"}, headers=headers)
        record = await world.record()

    assert answer.status_code == 403
    assert record.verdict.outcome is None


async def test_no_page_can_be_framed_and_none_loads_or_sends_anything_elsewhere(pages: Pages) -> None:
    async with pages(holder("anna", "read")) as client:
        await sign_in(client, "anna")
        page = await client.get("/ui")

    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_without_keys_this_machine_alone_sees_the_pages(pages: Pages) -> None:
    async with pages() as client:
        here = await client.get("/ui")
        rebound = await client.get("/ui", headers={"host": "vigil.example"})

    assert here.status_code == 200
    assert rebound.status_code == 403


async def test_every_page_declares_the_right_that_it_needs(world: World) -> None:
    app = build_app(Dependencies({ACCOUNT: account_in(world)}, world.tracker, world.storage, world.digester))
    declared: dict[tuple[str, str | None], list[str]] = {}
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, PageRoute):
            rights = [each.call.right.value for each in route.dependant.dependencies if isinstance(each.call, Needs)]
            declared |= {(method, route.path): rights for method in route.methods or ()}

    one = "/ui/verifications/{account}/{reference:path}"
    assert declared == {
        ("GET", "/ui/static/{name}"): [],
        ("GET", "/ui/sign-in"): [],
        ("POST", "/ui/sign-in"): [],
        ("POST", "/ui/sign-out"): [],
        ("GET", "/ui"): ["read"],
        ("GET", one): ["read"],
        ("GET", f"{one}/files/{{name}}"): ["read", "personal"],
        ("POST", f"{one}/commands/{{command}}"): ["read"],  # and the right of the command
        ("POST", f"{one}/notifications/resend"): ["read", "command"],
        ("GET", "/ui/callbacks"): ["operate"],
        ("POST", "/ui/callbacks/attach"): ["operate"],
        ("POST", "/ui/callbacks/reread"): ["operate"],
        ("GET", "/ui/accounts"): ["operate"],
    }
