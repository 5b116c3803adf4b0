"""What the pages show and do, on a real server with real workers."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from typer.main import get_command

from api.ui.rendering import format_age, format_size, mark_code
from tests.ui.conftest import ORIGIN, Pages, holder, sign_in
from tests.world import ACCOUNT, APPROVED, APPROVED_WITH_FILE, World, final
from vigil.cli.main import app
from vigil.domain.errors import ProviderRefusesUs
from vigil.listing import Filters
from vigil.storage.inbox import AddressedEvent, Inbox, Receipt
from vigil.temporal import messages

ALL = ("read", "personal", "command", "resolve", "operate")


def address(world: World, tail: str = "") -> str:
    return f"/ui/verifications/{ACCOUNT}/{world.key.reference}{tail}"


def text_of(page: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2]).split())


async def send(client: httpx.AsyncClient, url: str, **form: str) -> httpx.Response:
    return await client.post(url, data=form, headers=ORIGIN)


async def test_a_pending_verification_says_why_who_acts_and_what_comes_next(world: World, pages: Pages) -> None:
    async with pages(holder("anna", *ALL)) as client, world.workers():
        await sign_in(client, "anna")
        await world.register(applicant="customer-7")
        await world.until(lambda record: record.is_registered)
        listed = await client.get("/ui", params={"is_open": "true", "account": ACCOUNT, "q": "", "stage": ""})
        shown = await client.get(address(world))

    assert world.key.reference in text_of(listed)
    assert "customer-7" in text_of(listed)
    assert "the applicant has not finished" in text_of(listed)
    assert shown.status_code == 200
    assert "the applicant has not finished" in text_of(shown)
    assert "Who acts applicant" in text_of(shown)
    assert 'hx-trigger="every 2s"' in shown.text
    assert f"vigil explain {ACCOUNT} {world.key.reference}" in shown.text


async def test_a_verification_is_one_row_however_many_runs_it_has(world: World, pages: Pages) -> None:
    world.reader.say(APPROVED)
    async with pages(holder("anna", *ALL)) as client, world.workers():
        await sign_in(client, "anna")
        await world.register()
        await world.hear(final())
        await world.result()
        await world.tracker.command(
            world.key,
            "poll_now",
            messages.PollNow(author="anna"),
            command_id="poll-12345678",
            within=timedelta(seconds=20),
        )
        await world.result()
        runs = [
            run
            async for run in world.client.list_workflows(f"WorkflowId = 'verification/{ACCOUNT}/{world.key.reference}'")
        ]
        listed = await client.get("/ui", params={"q": world.key.reference[:10]})
        searched = await client.get("/ui", params={"q": world.key.reference})
        nothing = await client.get("/ui", params={"q": "O'Hara; DROP"})

    assert len(runs) == 2
    assert listed.text.count(f'href="{address(world)}"') == 1
    assert searched.text.count(f'href="{address(world)}"') == 1
    assert "approved complete" in text_of(searched)
    assert "No verification is like that." in text_of(nothing)


async def test_what_needs_a_person_says_what_to_do_in_the_words_of_the_runbook(world: World, pages: Pages) -> None:
    world.reader.says = ProviderRefusesUs("http_401")
    async with pages(holder("anna", *ALL)) as client, world.workers():
        await sign_in(client, "anna")
        await world.register()
        await world.hear(final())
        await world.until(lambda record: bool(record.attention))
        queue = await client.get("/ui", params={"needs": "attention", "account": ACCOUNT})
        shown = await client.get(address(world))

    for page in (queue, shown):
        assert "provider refuses us" in text_of(page)
        assert "Operator: fix the credentials, restart the workers." in text_of(page)


async def test_callbacks_and_reads_of_one_verification_are_listed(world: World, pages: Pages) -> None:
    world.reader.say(APPROVED)
    inbox = Inbox(world.storage)
    event = (await world.callback_event(final(), number=1)).model_copy(update={"receipt": None})
    path = world.tracker.path(world.key)
    addressed = AddressedEvent(key=world.key, path=path, event=event, repeats_until=event.received_at)
    receipt = Receipt(
        received_at=event.received_at,
        account=ACCOUNT,
        correlation=None,
        proof="secret",
        headers={},
        body=b"{}",
        events=(addressed,),
    )
    kept = event.model_copy(update={"receipt": await inbox.keep(receipt)})
    async with pages(holder("anna", "read")) as client, world.workers():
        await sign_in(client, "anna")
        await world.register()
        await world.tracker.signal_callback(world.key, kept, may_start=True)
        await world.until(lambda record: record.callbacks.received == 1)
        pending = await client.get(address(world))
        await inbox.file_under(str(kept.receipt), path)
        again = kept.model_copy(update={"receipt": None, "received_at": kept.received_at + timedelta(seconds=1)})
        await world.tracker.signal_callback(world.key, again, may_start=True)
        await world.result()
        shown = await client.get(address(world))

    for page in (pending, shown):
        assert f"status OK secret news {str(kept.receipt).rpartition('/')[2]} body {event.delivery[:8]}" in text_of(
            page
        )
    assert "status OK not known late no receipt" in text_of(shown)
    assert "2 received; 1 repeated" in text_of(shown)
    assert "OK callback" in text_of(shown).partition("Reads At Answer Cause")[2]


async def test_the_form_above_the_list_has_every_filter_of_the_command(world: World, pages: Pages) -> None:
    options = {str(each.name) for each in get_command(app).commands["list"].params}  # type: ignore[attr-defined]
    spelled = {"attention": "needs", "reason": "attention", "since": "opened_after", "until": "opened_before"}
    of_the_list = {spelled.get(name, name) for name in options - {"limit", "as_json"}}
    given = {"opened_after": "2020-01-01T00:00:00Z", "is_open": "false", "attention": "quarantined"}
    async with pages(holder("anna", "read")) as client:
        await sign_in(client, "anna")
        plain = await client.get("/ui")
        form = await client.get("/ui", params={**given, "stage": "", "needs": ""})

    assert of_the_list <= set(re.findall(r'<(?:select|input)[^>]* name="(\w+)"', plain.text))
    assert of_the_list - {"needs"} == set(Filters.model_fields)
    assert form.status_code == 200
    assert 'value="2020-01-01T00:00:00+00:00"' in form.text
    for word in ("false", "quarantined"):
        assert f'<option value="{word}" selected>' in form.text


async def test_a_picture_is_shown_to_those_who_may_see_persons_and_to_nobody_else(world: World, pages: Pages) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    async with pages(holder("anna", *ALL), holder("otto", "read")) as client, world.workers():
        await world.register()
        await world.hear(final())
        [row] = (await world.result()).evidence
        await sign_in(client, "anna")
        page, picture = await client.get(address(world)), await client.get(address(world, f"/files/{row.name}"))
        await sign_in(client, "otto")
        plain, refused = await client.get(address(world)), await client.get(address(world, f"/files/{row.name}"))

    assert row.media_type == "image/png"
    assert "<img" in page.text
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert row.name in plain.text
    assert "<img" not in plain.text
    assert refused.status_code == 403


async def test_a_command_needs_its_right_a_confirmation_and_is_carried_out_once(world: World, pages: Pages) -> None:
    async with pages(holder("anna", *ALL), holder("otto", "read", "command")) as client, world.workers():
        await world.register()
        await sign_in(client, "otto")
        resolve = {"command_id": "resolve-1234567", "decision": "declined", "sure": "yes"}
        without_right = await send(client, address(world, "/commands/resolve"), **resolve)
        await sign_in(client, "anna")
        unsure = await send(client, address(world, "/commands/resolve"), **resolve | {"sure": ""})
        done = await send(client, address(world, "/commands/resolve"), **resolve)
        again = await send(client, address(world, "/commands/resolve"), **resolve)
        record = await world.result()

    assert without_right.status_code == 403
    assert unsure.status_code == 422
    assert "Tick the box" in unsure.text
    assert (done.status_code, done.headers["location"]) == (303, address(world))
    assert again.status_code == 303
    assert [(str(each.decision), each.author) for each in record.verdict.revisions] == [("declined", "anna")]


async def test_a_reader_sees_no_command_and_no_page_of_the_installation(world: World, pages: Pages) -> None:
    async with pages(holder("otto", "read")) as client, world.workers():
        await world.register()
        await sign_in(client, "otto")
        page = await client.get(address(world))
        refused = [await client.get(path) for path in ("/ui/callbacks", "/ui/accounts")]

    assert "/commands/" not in page.text
    assert [answer.status_code for answer in refused] == [403, 403]
    assert all("It needs the right operate" in answer.text for answer in refused)


async def test_accounts_and_callbacks_are_shown_to_an_operator(world: World, pages: Pages) -> None:
    async with pages(holder("anna", *ALL), callback_base="https://vigil.example/callbacks") as client:
        await sign_in(client, "anna")
        accounts, callbacks = await client.get("/ui/accounts"), await client.get("/ui/callbacks")

    assert f"https://vigil.example/callbacks/{ACCOUNT}" in accounts.text
    assert "Callbacks that belong to no verification" in callbacks.text


async def test_a_key_for_other_accounts_finds_nothing_by_any_search(world: World, pages: Pages) -> None:
    searched = (world.key.reference, world.key.reference[:6], "customer-7")
    async with pages(holder("anna", *ALL), holder("otto", *ALL, accounts=("beta",))) as client, world.workers():
        await world.register(applicant="customer-7")
        await world.until(lambda record: record.is_registered)
        shown = []
        for name in ("anna", "otto"):
            await sign_in(client, name)
            found = [await client.get("/ui", params={"q": text}) for text in searched]
            shown.append([address(world) in page.text for page in found])

    assert shown == [[True, True, True], [False, False, False]]


@pytest.mark.parametrize("command_id", ["", "short", "no such id", "x" * 129])
async def test_a_form_without_an_id_of_ours_is_refused(world: World, pages: Pages, command_id: str) -> None:
    async with pages(holder("anna", *ALL)) as client, world.workers():
        await sign_in(client, "anna")
        await world.register()
        answer = await send(client, address(world, "/commands/withdraw"), sure="yes", command_id=command_id)
        record = await world.record()

    assert answer.status_code == 422
    assert record.verdict.outcome is None


async def test_an_unknown_verification_is_a_page_with_a_sentence(pages: Pages) -> None:
    async with pages(holder("anna", *ALL)) as client:
        await sign_in(client, "anna")
        answer = await client.get(f"/ui/verifications/{ACCOUNT}/no-such")

    assert answer.status_code == 404
    assert "Neither Temporal nor the storage knows the verification" in text_of(answer)


async def test_the_words_of_an_applicant_or_a_provider_are_text_and_never_markup(world: World, pages: Pages) -> None:
    async with pages(holder("anna", *ALL)) as client:
        await sign_in(client, "anna")
        answer = await client.get("/ui", params={"q": "<script>alert(1)</script>"})

    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


def test_code_is_marked_up_after_everything_else_was_escaped() -> None:
    assert mark_code("look at `[storage] url` & <b>") == "look at <code>[storage] url</code> &amp; &lt;b&gt;"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "5 s ago"), (-119, "1 min ago"), (7200, "in 2 h"), (-200_000, "2 d ago")]
)
def test_a_time_is_told_by_its_distance(seconds: int, shown: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert format_age(datetime.fromtimestamp(now.timestamp() + seconds, UTC), now) == shown


def test_a_size_has_its_unit() -> None:
    assert [format_size(size) for size in (None, 0, 9_999, 24_576)] == ["", "0 B", "9,999 B", "24 kB"]


async def test_an_erased_verification_shows_its_verdict_and_the_receipt_and_no_command(
    world: World, pages: Pages
) -> None:
    world.reader.say(APPROVED_WITH_FILE)
    async with pages(holder("anna", *ALL)) as client, world.workers():
        await sign_in(client, "anna")
        await world.register(applicant="customer-7")
        await world.hear(final("OK"))
        await world.result()
        await world.erasures.erase(world.key, by="ben", within=timedelta(seconds=60))
        shown = await client.get(address(world))
        polled = await send(client, address(world, "/commands/poll"), sure="yes", command_id="poll-0123456789abcdef")

    text = text_of(shown)
    assert shown.status_code == 200
    assert "approved complete its data was erased at" in text
    assert re.search(r"Erased .* request by ben Artifacts 1 erased", text)
    assert "Not ours provider, backend, proxy logs" in text
    assert "customer-7" not in shown.text
    assert "/commands/" not in shown.text
    assert polled.status_code == 410
