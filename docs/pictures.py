"""Takes the pictures of `docs/operating.md`: `python -m docs.pictures`, on a machine with Debian's Chromium."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from vigil.demo.ports import Ports
from vigil.demo.simulator_accounts import read_key
from vigil.demo.stack import Stack
from vigil.simulator.registry import SIMULATED_ACCOUNTS

HERE: Final = Path(__file__).parent
PLAYED: Final = (
    ("id360", "drop_finals=true"),
    ("id360", "outcome=KO"),
    ("smile", None),
    ("assure", None),
    ("identomat", None),
    ("id360", "outcome=silent"),
)


IN_THE_INPUT: Final = '"started_by"'


async def main() -> None:
    """Play some verifications and photograph the list and one of them."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(
            Path(folder),
            Ports.find_free(),
            accounts=SIMULATED_ACCOUNTS,
            time_scale=60,
            in_memory=True,
            shows_payloads=True,
        )
        async with stack.run():
            for account, option in PLAYED:
                await asyncio.to_thread(_simulate, stack, account, option)
            await asyncio.sleep(5)
            await asyncio.to_thread(_photograph, stack)
            await asyncio.to_thread(_photograph_payloads, stack, "opened", IN_THE_INPUT)
            await stack.stop("codec")
            await asyncio.to_thread(_photograph_payloads, stack, "sealed", "Codec Server could not connect")


def _simulate(stack: Stack, account: str, option: str | None) -> None:
    command = ["vigil", "simulate", account, *(["-s", option] if option else [])]
    subprocess.run(command, env={"VIGIL_CONFIG": str(stack.config), "PATH": ".venv/bin"}, check=False)  # noqa: S603


def _photograph(stack: Stack) -> None:
    with _browser() as browser:
        browser.set_window_size(1000, 760)
        browser.get(f"{stack.api}/ui")
        browser.find_element(By.ID, "key").send_keys(str(read_key(stack.config)))
        browser.find_element(By.CSS_SELECTOR, "main button").click()
        browser.save_screenshot(str(HERE / "pictures/verifications.png"))
        browser.find_element(By.CSS_SELECTOR, "td a").click()
        browser.save_screenshot(str(HERE / "pictures/verification.png"))


def _photograph_payloads(stack: Stack, name: str, shown: str) -> None:
    """Photograph a workflow in Temporal's UI when it shows a text."""
    with _browser() as browser:
        browser.set_window_size(1000, 900)
        browser.get(f"{stack.server.ui}/namespaces/default/workflows?query=WorkflowType%3D%22VerificationWorkflow%22")
        wait = WebDriverWait(browser, 60)
        link = wait.until(lambda _: browser.find_element(By.CSS_SELECTOR, "td a[href*='verification%2F']"))
        browser.get(str(link.get_attribute("href")))
        wait.until(lambda _: shown in browser.find_element(By.TAG_NAME, "body").text)
        time.sleep(2)  # the page goes on to draw
        browser.save_screenshot(str(HERE / f"pictures/payloads-{name}.png"))


@contextmanager
def _browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--no-proxy-server"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


if __name__ == "__main__":
    asyncio.run(main())
