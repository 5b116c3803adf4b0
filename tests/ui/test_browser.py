"""The pages in a real browser beside a running stack: Debian's Chromium, driven as a person drives it."""

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.end_to_end.conftest import ACCOUNT, Running
from tests.ui.conftest import NEEDS_BROWSER
from vigil.demo.simulator_accounts import read_key

NARROW = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="package"), NEEDS_BROWSER]


async def test_a_lost_callback_is_followed_to_its_verdict_by_keyboard_alone(
    running: Running, browser: webdriver.Chrome
) -> None:
    reference = await running.play(drop_finals=True)
    await running.register(reference)
    wait = WebDriverWait(browser, 60)

    browser.get(f"{running.stack.api}/ui/verifications/{ACCOUNT}/{reference}")
    type_in(browser, str(read_key(running.stack.config)), Keys.ENTER)
    wait.until(lambda _: reference in text(browser, "h1"))
    first = text(browser, "#state")
    wait.until(lambda _: "complete" in text(browser, ".sentence"))
    last = text(browser, "#state")

    # The page wrote the new state by itself: nothing was loaded again.
    assert "approved" not in first
    assert "It is complete: decided approved." in last
    assert "1 missed" in last
    said = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [line for line in said if line["level"] == "SEVERE"] == []

    # From the address bar, Tab reaches the skip link first, and Enter the content.
    browser.execute_script("document.activeElement.blur()")
    type_in(browser, Keys.TAB)
    assert text(browser, ":focus") == "Skip to the content"
    focused = [tab_on(browser) for _ in range(30)]
    assert "Attention" in focused
    assert "Poll" in focused


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_a_phone_and_can_be_read_by_day_and_by_night(
    running: Running, browser: webdriver.Chrome, scheme: str
) -> None:
    reference = await running.play()
    await running.register(reference)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", NARROW)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(f"{running.stack.api}/ui")
    type_in(browser, str(read_key(running.stack.config)), Keys.ENTER)
    WebDriverWait(browser, 30).until(lambda _: text(browser, "h1") == "Verifications")

    for page in ("", f"/verifications/{ACCOUNT}/{reference}", "/callbacks", "/accounts", "?needs=attention"):
        browser.get(f"{running.stack.api}/ui{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360, page
        assert contrast(browser) >= 7, page  # what the guidelines for accessible pages call enhanced


def type_in(browser: webdriver.Chrome, *keys: str) -> None:
    """Type as on a keyboard, wherever the page has its focus."""
    webdriver.ActionChains(browser).send_keys(*keys).perform()


def text(browser: webdriver.Chrome, selector: str) -> str:
    """Return what can be read there now, also while the page writes itself anew."""
    found = browser.execute_script("return document.querySelector(arguments[0])?.innerText", selector)
    return str(found or "")


def tab_on(browser: webdriver.Chrome) -> str:
    type_in(browser, Keys.TAB)
    return text(browser, ":focus")


def contrast(browser: webdriver.Chrome) -> float:
    """Return the ratio of luminance between the text and its ground."""
    ground, text = browser.execute_script(
        "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
    )
    dark, bright = sorted((luminance(ground), luminance(text)))
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
