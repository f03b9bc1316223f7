"""People in a real browser: signing in, the set-up of a site, the menu of a telephone, the list's filter."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from agents.domain.site import SiteState
from agents.models import Site
from portal.lib.tenancy import tenant_context
from tests.browser.conftest import Browser
from tests.cast import Cast, machine_of
from tests.sessions import committed
from tests.staff import Staff

pytestmark = [pytest.mark.browser, committed]
SEEN = "ab" * 32


@pytest.fixture
def alice(browser: Browser, people: tuple[Cast, Staff]) -> Browser:
    """The browser with Alice signed in."""
    browser.sign_in("alice@example.test")
    return browser


def test_a_site_is_added_and_its_install_command_copied(alice: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    alice.open(f"/t/{cast.acme.tenant.id}/sites/")
    alice.fill("name", "Lyon")
    alice.press("Add the site")
    alice.until("The site waits for its first agent")
    alice.press("Install an agent")
    alice.until("Run this on a host of the site")

    alice.press("Copy")

    assert "--key enr_" in alice.text()
    assert alice.complaints() == []


def test_a_page_looks_again_by_itself(alice: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    alice.open(f"/t/{cast.acme.tenant.id}/sites/{cast.acme.site.id}/")
    with tenant_context(cast.acme.tenant.id):
        waits = {"state": SiteState.CERTIFICATE_UNKNOWN, "seen_fingerprint": SEEN}
        Site.objects.filter(id=cast.acme.site.id).update(**waits)

    alice.until("They are equal: accept the certificate")
    alice.press("They are equal: accept the certificate")

    alice.until("The certificate is accepted.")


def test_the_filter_grows_by_typing(alice: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    machine_of(cast.acme, "web-1")
    machine_of(cast.acme, "db-1")
    alice.open(f"/t/{cast.acme.tenant.id}/machines/")

    alice.fill("add", "web")
    alice.press("Filter")

    alice.until("1 of 1 that match, 2 in all.")


def test_the_theme_stays_when_the_page_changes(alice: Browser) -> None:
    alice.driver.find_element(By.CSS_SELECTOR, "[aria-label='Switch to dark']").click()
    alice.until("need")

    theme = alice.driver.find_element(By.TAG_NAME, "html").get_attribute("data-bs-theme")

    assert theme == "dark"


def test_a_telephone_opens_the_navigation_by_a_button(alice: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    alice.width(390)
    alice.open(f"/t/{cast.acme.tenant.id}/")

    alice.driver.find_element(By.CSS_SELECTOR, "[data-menu]").click()
    alice.driver.find_element(By.CSS_SELECTOR, ".lf-nav[href$='/agents/']").click()

    alice.until("agents are silent")


def test_the_keyboard_reaches_the_content_first(alice: Browser) -> None:
    alice.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)

    assert alice.driver.switch_to.active_element.text == "Skip to content"
