"""Every page of shell, tenants and estate: axe-core, the policy against inline code, no sideways scroll."""

from tempfile import TemporaryFile

import pytest

from agents.domain.site import SiteState
from agents.models import Agent, Site
from agents.services import upload_preview
from portal.lib.tenancy import tenant_context
from tests.browser.conftest import Browser
from tests.cast import GIB, NOON, Cast, House, machine_of
from tests.sessions import committed
from tests.staff import Staff
from tests.workbooks import machine, workbook

pytestmark = [pytest.mark.browser, committed]
TENANT_PAGES = ("", "sites/", "sites/{site}/", "agents/", "agents/{agent}/revoke", "machines/", "commands/")
MORE_PAGES = (
    "sites/{site}/upload",
    "machines/?q=size>1GiB&add=colour:red",
    "machines/?q=nothing-like-it",
    "machines/{machine}/",
)
PROVIDER_PAGES = ("/provider/", "/provider/tenants/", "/provider/tenants/{tenant}/", "/provider/agents/")
WIDTHS = (1440, 390)
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that the colours alone decide."""


@pytest.fixture
def estate(people: tuple[Cast, Staff]) -> tuple[Cast, Staff]:
    """Acme with some machines and a vCenter whose certificate waits to be compared."""
    cast, _ = people
    for number in range(60):
        machine_of(cast.acme, f"app-{number:02}", disk_bytes=number * GIB, cpus=1 + number % 8)
    with tenant_context(cast.acme.tenant.id):
        waits = {"state": SiteState.CERTIFICATE_UNKNOWN, "state_code": "VC-07", "state_since": NOON}
        seen = {"seen_fingerprint": "ab" * 32, "sealed_password": b"sealed"}
        Site.objects.filter(id=cast.acme.site.id).update(**waits, **seen)
        behind = {"version": "0.1.9", "capabilities": {"upgrade": True}}
        Agent.objects.filter(id=cast.acme.source.id).update(**behind)
        with TemporaryFile() as file:
            file.write(workbook([machine(f"vm-{at}", f"vm-{at}", used=at * 4096) for at in range(60)]))
            file.flush()
            upload_preview(
                actor=cast.alice, site=cast.acme.site, file=file, file_name="rv.xlsx", by="Alice", now=NOON
            )
    return people


def looked_at(browser: Browser, path: str, name: str) -> list[str]:
    """Return what is wrong with a page, in both themes and at both widths."""
    browser.open(path)
    return seen(browser, name) + [f"{name} {one}" for one in browser.complaints()]


def seen(browser: Browser, name: str) -> list[str]:
    """Return what is wrong with the page that is open; the second theme changes nothing but colours."""
    wrong: list[str] = []
    for theme, rules in (("light", ()), ("dark", COLOURS)):
        browser.theme(theme)
        for width in WIDTHS:
            browser.width(width)
            wrong += [f"{name} {width} {theme} {one}" for one in browser.violations(*rules)]
            if browser.sideways() > 0:
                wrong.append(f"{name} {width} scrolls sideways by {browser.sideways()}")
            browser.shoot(f"{name}-{theme}-{width}")
    return wrong


def addresses(house: House, pages: tuple[str, ...]) -> list[str]:
    """Return the pages of an organisation with everything filled in."""
    app = machine_of(house, "app-01")
    known = {"site": house.site.id, "agent": house.source.id, "machine": app.id}
    return [f"/t/{house.tenant.id}/{page.format(**known)}" for page in pages]


def test_a_tenant_s_pages_are_sound(browser: Browser, estate: tuple[Cast, Staff]) -> None:
    cast, _ = estate
    browser.sign_in("alice@example.test")

    pages = addresses(cast.acme, TENANT_PAGES + MORE_PAGES)
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"tenant-{at:02}")]

    assert wrong == []


def test_the_install_command_is_sound(browser: Browser, estate: tuple[Cast, Staff]) -> None:
    cast, _ = estate
    browser.sign_in("alice@example.test")
    browser.open(f"/t/{cast.acme.tenant.id}/sites/{cast.acme.site.id}/")
    browser.press("Install an agent")
    browser.until("Compare the release key before you run it")

    assert seen(browser, "install") == []


def test_a_new_tenant_s_pages_are_sound(browser: Browser, people: tuple[Cast, Staff]) -> None:
    _, staff = people
    browser.sign_in("petra@example.test")

    empty = ("sites/", "agents/", "machines/", "commands/", f"sites/{staff.site.id}/upload")
    pages = [f"/t/{staff.tenant_id}/{page}" for page in empty]
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"empty-{at:02}")]

    assert wrong == []


def test_the_provider_s_pages_are_sound(browser: Browser, estate: tuple[Cast, Staff]) -> None:
    cast, _ = estate
    browser.sign_in("petra@example.test")

    pages = [page.format(tenant=cast.acme.tenant.id) for page in PROVIDER_PAGES]
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"provider-{at:02}")]

    assert wrong == []


def test_the_open_pages_are_sound(browser: Browser, people: tuple[Cast, Staff]) -> None:
    browser.open("/accounts/login/")

    wrong = looked_at(browser, "/accounts/login/", "open-login")
    wrong += looked_at(browser, "/accounts/signup/", "open-signup")
    browser.complaints()

    assert wrong == []


def test_a_person_s_own_pages_are_sound(browser: Browser, people: tuple[Cast, Staff]) -> None:
    browser.sign_in("alice@example.test")

    wrong = looked_at(browser, "/accounts/password/change/", "own-password")
    wrong += looked_at(browser, "/e/AGT-10", "own-code")

    assert wrong == []
