"""A real Chromium against a real server, with the cast signed in."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from portal.management.commands.build_sprite import SPRITE
from tenants.models import Person
from tests.cast import Cast, cast_create
from tests.staff import Staff, staff_create

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "a long enough secret"  # noqa: S105  for this test's own database
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1440,1000"),
)
WAIT_S = 10
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@dataclass(frozen=True)
class Browser:
    """One Chromium looking at one portal."""

    driver: webdriver.Chrome
    address: str

    def open(self, path: str) -> None:
        """Go to a page."""
        self.driver.get(self.address + path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Fill in the form as a person does, whoever was signed in before."""
        self.forget()
        self.open("/accounts/login/")
        self.fill("login", email)
        self.fill("password", password)
        self.press("Sign in")
        WebDriverWait(self.driver, WAIT_S).until(lambda driver: "login" not in driver.current_url)

    def forget(self) -> None:
        """Leave the page and drop every cookie.

        In this order: a page that is still open goes on asking for itself, and a late answer would set
        another CSRF cookie under the sign-in form. Leaving ends its requests; WebDriver's own deletion
        knows the current address only, so the browser's store is emptied.
        """
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def fill(self, name: str, text: str) -> None:
        """Type into the field called `name`."""
        field = self.driver.find_element(By.NAME, name)
        field.clear()
        field.send_keys(text)

    def press(self, word: str) -> None:
        """Press the button that says `word`."""
        path = f"//main//button[contains(normalize-space(.), '{word}')]"
        self.driver.find_element(By.XPATH, path).click()

    def follow(self, word: str) -> None:
        """Follow the link that says `word`."""
        path = f"//main//a[normalize-space(.)='{word}']"
        self.driver.find_element(By.XPATH, path).click()

    def text(self) -> str:
        """Return what the page says."""
        return self.driver.find_element(By.TAG_NAME, "main").text

    def until(self, words: str) -> None:
        """Wait until the page says `words`."""
        changing = [StaleElementReferenceException]  # the page that is being left
        WebDriverWait(self.driver, WAIT_S, ignored_exceptions=changing).until(
            lambda _: words in self.text(), words
        )

    def theme(self, theme: str) -> None:
        """Show the open page in light or dark, its colours no longer on their way there."""
        self.driver.execute_async_script(
            "document.documentElement.dataset.bsTheme = arguments[0];"
            "document.querySelector('meta[name=color-scheme]').content = arguments[0];"
            "const done = arguments[arguments.length - 1];"
            "requestAnimationFrame(() => Promise.allSettled(document.getAnimations()"
            ".filter((one) => one.effect.getComputedTiming().iterations !== Infinity)"
            ".map((one) => one.finished)).then(done))",
            theme,
        )

    def width(self, width: int) -> None:
        """Make the window as wide as a desk's or a telephone's."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
        )

    def violations(self, *rules: str) -> list[str]:
        """Return what axe-core finds wrong with the page by these rules; by TAGS unless told."""
        if not self.driver.execute_script("return window.axe !== undefined"):
            self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']})"
            ".then((r) => done(r.violations))",
            {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS},
        )
        return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]

    def complaints(self) -> list[str]:
        """Return what the console complained of since it was last asked."""
        found: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in found if entry["level"] == "SEVERE"]

    def sideways(self) -> int:
        """Return by how many pixels the page itself scrolls sideways."""
        return int(
            self.driver.execute_script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def shoot(self, name: str) -> None:
        """Keep a picture where LANDFALL_SHOTS says, for people to look at."""
        if folder := os.environ.get("LANDFALL_SHOTS"):
            height = self.driver.execute_script(
                "return Math.min(document.documentElement.scrollHeight, 2200)"
            )
            width = self.driver.execute_script("return window.innerWidth")
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A Chromium of this run alone."""
    if not SPRITE.is_file():
        call_command("build_sprite")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome, live_server: LiveServer) -> Iterator[Browser]:
    """The browser at this test's portal; afterwards no page is left that asks a portal that is gone."""
    browser = Browser(chromium, live_server.url)
    browser.forget()
    browser.width(1440)
    browser.complaints()
    yield browser
    browser.forget()


@pytest.fixture
def people(live_server: LiveServer) -> tuple[Cast, Staff]:
    """The cast and the provider's staff, who all have a password."""
    made = cast_create(), staff_create()
    for person in Person.objects.all():
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    return made
