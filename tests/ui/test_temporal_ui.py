"""Temporal's own UI in a real browser beside a stack: it shows payloads only through the codec server."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.end_to_end.conftest import ACCOUNT, Running
from tests.ui.conftest import NEEDS_BROWSER

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="package"), NEEDS_BROWSER]

SHOWN_WITHIN = 120
IN_THE_INPUT = '"started_by"'
CIPHERTEXT = re.compile(r'"A[Q-Za-f][A-Za-z0-9+/]{100}')
"""How Tink begins one, in base64."""


async def test_temporals_ui_shows_text_with_the_codec_server_and_ciphertext_without(
    running: Running,
    browser: webdriver.Chrome,
) -> None:
    reference = await running.play()
    await running.register(reference)
    page = f"{running.stack.server.ui}/namespaces/default/workflows/verification%2F{ACCOUNT}%2F{reference}"
    wait = WebDriverWait(browser, SHOWN_WITHIN)

    browser.get(page)
    wait.until(lambda _: IN_THE_INPUT in text(browser))
    await running.stack.stop("codec")
    browser.get(page)
    wait.until(lambda _: "Codec Server could not connect" in text(browser) and CIPHERTEXT.search(text(browser)))

    assert IN_THE_INPUT not in text(browser)


def text(driver: webdriver.Chrome) -> str:
    """What a person reads on the page."""
    return driver.find_element(By.TAG_NAME, "body").text
