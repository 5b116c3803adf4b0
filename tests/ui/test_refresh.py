"""The page of an open verification writes itself anew, and a reader keeps what was opened and focused."""

import asyncio
from base64 import b64decode
from typing import Any

import pytest
from selenium import webdriver

from api.app import build_app
from api.dependencies import Dependencies
from tests.api.conftest import served
from tests.api.fakes import account_in
from tests.ui.conftest import NEEDS_BROWSER, holder, key_of
from tests.world import ACCOUNT, APPROVED, FILE, World, final, quick, step
from vigil.domain.errors import ProviderUnavailable
from vigil.domain.terms import ArtifactState

DOT = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
LATE_FILE = FILE.model_copy(update={"name": "portrait-2", "locator": "portrait-2"})
REFRESHES = 5
KEPT = """
const image = document.querySelector('#state img');
return [image.closest('details').open, image.naturalWidth, image.mark, document.activeElement.innerText,
  Math.round(image.getBoundingClientRect().top)];
"""

pytestmark = [pytest.mark.alone, NEEDS_BROWSER]


async def test_a_picture_the_focus_and_the_place_outlast_refreshes_and_a_change(
    world: World, browser: webdriver.Chrome
) -> None:
    world = world.with_plan(quick(factor=60))
    world.reader.say(APPROVED.model_copy(update={"artifacts": (FILE, LATE_FILE)}))
    world.reader.files = {FILE.name: DOT, LATE_FILE.name: ProviderUnavailable("http_503")}
    made: dict[str, Any] = {"accounts": {ACCOUNT: account_in(world)}, "tracker": world.tracker}
    made |= {"storage": world.storage, "digester": world.digester}
    backends = (holder("anna", "read", "personal"),)
    async with served(build_app(Dependencies(**made, backends=backends))) as http, world.workers():
        await world.register()
        await world.hear(final())
        await world.until(lambda record: any(row.state is ArtifactState.STORED for row in record.evidence))
        page = f"{http.base_url}/ui/verifications/{ACCOUNT}/{world.key.reference}"
        await asyncio.to_thread(open_picture, browser, page)
        before = await asyncio.to_thread(browser.execute_script, KEPT)
        requests = (
            "return performance.getEntriesByType('resource').filter(each => each.initiatorType == 'xmlhttprequest')"
        )
        while len(await asyncio.to_thread(browser.execute_script, requests)) < REFRESHES:
            await asyncio.sleep(0.2)
        unchanged = await asyncio.to_thread(browser.execute_script, KEPT)
        await world.hear(step(1, "portrait"))
        async with asyncio.timeout(30):
            while "1 received" in await asyncio.to_thread(text, browser) or "2 received" not in await asyncio.to_thread(
                text, browser
            ):
                await asyncio.sleep(0.2)
        changed = await asyncio.to_thread(browser.execute_script, KEPT)
        world.reader.files = {FILE.name: DOT, LATE_FILE.name: DOT}
        await world.result()

    assert before[:4] == [True, 1, "mine", FILE.name]
    assert 0 <= before[4] < 400  # in sight
    assert unchanged == before
    assert changed == before


def open_picture(browser: webdriver.Chrome, page: str) -> None:
    """Sign in, open the picture, and leave the focus and the place there."""
    browser.set_window_size(800, 400)
    browser.get(page)
    browser.execute_script("document.querySelector('#key').value = arguments[0]", key_of("anna"))
    browser.execute_script("document.querySelector('form.column').requestSubmit()")
    browser.implicitly_wait(20)
    browser.find_element("css selector", "#state details summary").click()
    browser.execute_async_script(
        "const image = document.querySelector('#state img'); image.mark = 'mine'; image.loading = 'eager';"
        "image.decode().then(arguments[0])"
    )


def text(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('#state').innerText"))
