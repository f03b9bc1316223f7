"""Second factors, passkeys and tokens in a real browser; Chromium itself plays the device with passkeys."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.virtual_authenticator import Protocol, Transport, VirtualAuthenticatorOptions

from tests.browser.conftest import PASSWORD, Browser
from tests.browser.test_look import looked_at
from tests.cast import Cast
from tests.passwords import code_now
from tests.sessions import committed
from tests.staff import Staff
from tests.tokens import token_for

pytestmark = [pytest.mark.browser, committed]
SECURITY = "/accounts/security/"


@pytest.fixture
def device(browser: Browser) -> Iterator[Browser]:
    """A browser on a device that holds passkeys and has just seen its owner's finger."""
    options = VirtualAuthenticatorOptions()
    options.protocol = Protocol.CTAP2
    options.transport = Transport.INTERNAL
    options.has_resident_key = True
    options.has_user_verification = True
    options.is_user_verified = True
    browser.driver.add_virtual_authenticator(options)
    yield browser
    browser.driver.remove_virtual_authenticator()


def confirmed(browser: Browser, path: str) -> None:
    """Open a page that asks first whether it is still the same person."""
    browser.open(path)
    browser.fill("password", PASSWORD)
    browser.press("Go on")


def passkey_add(browser: Browser) -> None:
    """Sign in as Alice, and add a passkey."""
    browser.sign_in("alice@example.test")
    browser.open(SECURITY)
    browser.follow("Add a passkey")
    browser.fill("password", PASSWORD)
    browser.press("Go on")
    browser.press("Add the passkey")
    browser.until("They are shown this once")


def test_a_passkey_lets_in_without_a_password(device: Browser, people: tuple[Cast, Staff]) -> None:
    passkey_add(device)
    device.forget()

    device.open(f"/accounts/login/?next={SECURITY}")
    device.press("Sign in with a passkey")
    device.until("Where you are signed in")

    assert "a passkey, also without the password" in device.text()
    assert device.complaints() == []


def test_a_passkey_is_a_second_factor(device: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    passkey_add(device)

    device.forget()
    device.open("/accounts/login/")
    device.fill("login", "alice@example.test")
    device.fill("password", PASSWORD)
    device.press("Sign in")
    device.until("The password was right.")
    device.press("Use a passkey")
    device.until("Successfully signed in")

    device.open(f"/t/{cast.acme.tenant.id}/")
    assert f"/t/{cast.acme.tenant.id}/" in device.driver.current_url
    assert device.complaints() == []


def test_a_passkey_that_is_not_given_is_told_on_the_page(device: Browser, people: tuple[Cast, Staff]) -> None:
    device.driver.set_user_verified(False)
    device.open("/accounts/login/")

    device.press("Sign in with a passkey")

    device.until("The passkey was not taken.")
    assert device.complaints() == []


def test_an_app_is_set_up_from_the_page(browser: Browser, people: tuple[Cast, Staff]) -> None:
    browser.sign_in("alice@example.test")
    browser.open(SECURITY)
    browser.follow("Set up an app")
    browser.fill("password", PASSWORD)
    browser.press("Go on")
    browser.until("Set up an authenticator app")

    browser.fill("code", code_now(browser.driver.find_element("id", "secret").text))
    browser.press("Set it up")

    browser.until("They are shown this once")
    assert browser.complaints() == []


def test_the_pages_of_security_are_sound(browser: Browser, people: tuple[Cast, Staff]) -> None:
    cast, _ = people
    token_for(cast.alice)
    home = f"/t/{cast.acme.tenant.id}/"
    browser.sign_in("alice@example.test")

    pages = {"security": SECURITY, "tokens": home + "tokens/", "sign-in-rules": home + "sign-in"}
    wrong = [one for name, path in pages.items() for one in looked_at(browser, path, name)]
    wrong += looked_at(browser, SECURITY + "confirm/?next=" + SECURITY, "confirm")
    confirmed(browser, SECURITY + "app/")
    more = {"app": "app/", "passkey": "passkeys/new/", "codes-new": "codes/new/"}
    wrong += [one for name, path in more.items() for one in looked_at(browser, SECURITY + path, name)]

    assert wrong == []
