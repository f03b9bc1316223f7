"""A tenant moves a running machine by Chromium alone: plan, start, watch, cut over, decide, see the bill."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

from lab.faults.ground import Ground
from lab.story import until
from tests.browser.conftest import Browser
from tests.ground import ON_THE_ESTATE, OWNER

pytestmark = [pytest.mark.browser, *ON_THE_ESTATE]
HEAD = ".lf-head"
PRICE = "49.00 EUR"
STREAM_S = 8.0
"""Less than the page polls in without its stream."""


@pytest_asyncio.fixture(loop_scope="session")
async def alice(chromium: webdriver.Chrome, ground: Ground) -> AsyncIterator[Browser]:
    """The browser at the running portal, with the tenant's owner signed in."""
    browser = Browser(chromium, ground.story.tenant.address)
    browser.width(1440)
    await asyncio.to_thread(browser.sign_in, OWNER.email, OWNER.password)
    browser.complaints()
    yield browser
    browser.forget()


async def shows(browser: Browser, words: str, *, within: str = "main", seconds: float = 90.0) -> None:
    """Wait until the page itself comes to say `words`: nobody reloads it."""
    browser.driver.execute_script("window.kept = true")
    await until(lambda: _says(browser, words, within), what=words, seconds=seconds, last=browser.text)
    assert browser.driver.execute_script("return window.kept") is True


async def _says(browser: Browser, words: str, within: str) -> bool:
    try:
        part = browser.driver.find_element(By.CSS_SELECTOR, within)
        return words in await asyncio.to_thread(lambda: part.text)
    except StaleElementReferenceException:  # it is being changed just now
        return False


async def planned(ground: Ground, browser: Browser, name: str) -> None:
    """Make a machine that runs, and a group of it by the form."""
    await ground.machine_make(name)
    assert ground.story.near is not None
    await ground.story.near.machines({name})
    await ground.story.destination()
    browser.open(f"{home(browser)}groups/new?q={name}")
    browser.fill("name", name)
    browser.driver.find_element(By.NAME, "machine").click()
    await sent(browser, lambda: browser.press("Plan the group"))


async def sent(browser: Browser, act: Callable[[], object]) -> None:
    """Do what sends a form, and wait for the page that answers it."""
    browser.driver.execute_script("window.left = true")
    act()

    there = "return !window.left && document.readyState === 'complete'"

    async def arrived() -> bool:
        return bool(browser.driver.execute_script(there))

    await until(arrived, what="the next page", seconds=20)


def home(browser: Browser) -> str:
    """Return where the organisation's pages begin."""
    _, _, path = browser.driver.current_url.partition("/t/")
    return f"/t/{path.partition('/')[0]}/"


async def cut_over(browser: Browser, name: str) -> None:
    """Start the group that is shown, and bring it to the decision."""
    await sent(browser, lambda: browser.press("Start copying"))
    await shows(browser, "Cut over", within=HEAD)
    await sent(browser, lambda: browser.follow("Cut over"))
    browser.fill("confirmation", name)
    await sent(browser, lambda: browser.press("Cut over 1 machine"))
    await shows(browser, "both copies were proved equal")


async def confirmed(browser: Browser, label: str, name: str) -> None:
    """Type the group's name where it is asked for, and send it."""
    field = browser.driver.find_element(By.ID, label)
    await sent(browser, lambda: field.send_keys(name + "\n"))


async def test_a_machine_is_moved_and_billed_by_a_browser_that_never_reloads(
    ground: Ground, alice: Browser
) -> None:
    name = ground.name()
    await planned(ground, alice, name)

    await cut_over(alice, name)
    await confirmed(alice, "commit-name", name)
    await shows(alice, "Committed", within=HEAD)
    await shows(alice, "Equal")
    alice.open(f"{home(alice)}usage/")

    assert name in alice.text()
    assert PRICE in alice.text()
    assert alice.complaints() == []


async def test_a_machine_is_brought_back_by_a_browser(ground: Ground, alice: Browser) -> None:
    name = ground.name()
    await planned(ground, alice, name)

    await cut_over(alice, name)
    await confirmed(alice, "back-name", name)
    await shows(alice, "Rolled back", within=HEAD)

    assert await ground.story.pair.near.is_on(name)
    assert await ground.story.invoice_lines(name) == []
    assert alice.complaints() == []


async def test_a_change_by_somebody_else_arrives_by_the_stream(ground: Ground, alice: Browser) -> None:
    name = ground.name()
    await planned(ground, alice, name)
    await chip(alice, "Live")
    group = alice.driver.current_url.rstrip("/").rpartition("/")[2]

    await ground.story.tenant.post(f"/groups/{group}/cancel/")

    await shows(alice, "Cancelled", within=HEAD, seconds=STREAM_S)


async def test_what_is_half_typed_is_never_replaced(ground: Ground, alice: Browser) -> None:
    name = ground.name()
    await planned(ground, alice, name)
    await chip(alice, "Live")
    group = alice.driver.current_url.rstrip("/").rpartition("/")[2]
    field = alice.driver.find_element(By.CSS_SELECTOR, "input[name^='tier-']")
    field.clear()
    field.send_keys("7")
    alice.driver.find_element(By.TAG_NAME, "h1").click()

    await ground.story.tenant.post(f"/groups/{group}/cancel/")
    await asyncio.sleep(3)

    assert alice.driver.find_element(By.CSS_SELECTOR, "input[name^='tier-']").get_attribute("value") == "7"


async def chip(browser: Browser, word: str) -> None:
    """Wait until the chip of the live stream says `word`."""

    async def look() -> bool:
        return browser.driver.find_element(By.CSS_SELECTOR, "[data-live-chip]").text == word

    await until(look, what=f"the chip says {word}", seconds=20)
