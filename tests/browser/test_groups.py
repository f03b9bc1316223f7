"""Every page of groups, units, usage and prices: axe-core, the console, no sideways scroll."""

import pytest

from migrations_app.models import MigrationGroup
from portal.lib.tenancy import tenant_context
from tests.browser.conftest import Browser
from tests.browser.test_look import looked_at
from tests.cast import Cast, group_of
from tests.sessions import committed
from tests.staff import Staff

pytestmark = [pytest.mark.browser, committed]
TENANT_PAGES = (
    *("groups/?view=board", "groups/?view=list", "groups/new", "groups/{group}/"),
    *("groups/{group}/cutover", "groups/{group}/machines/{unit}/", "usage/"),
)
PROVIDER_PAGES = ("/provider/groups/", "/provider/usage/", "/provider/prices/")


@pytest.fixture
def group(people: tuple[Cast, Staff]) -> MigrationGroup:
    """Acme's group of db01."""
    cast, _ = people
    return group_of(cast.acme, cast.alice)


def test_a_tenant_s_pages_of_groups_and_money_are_sound(browser: Browser, group: MigrationGroup) -> None:
    with tenant_context(group.tenant_id):
        unit = group.units.get().id
    browser.sign_in("alice@example.test")

    pages = [f"/t/{group.tenant_id}/{page.format(group=group.id, unit=unit)}" for page in TENANT_PAGES]
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"group-{at:02}")]

    # No gateway runs beside this portal, so the stream's own refusal is not the page's fault.
    assert [one for one in wrong if "/live?token=" not in one] == []


def test_the_provider_s_pages_of_groups_and_money_are_sound(browser: Browser, group: MigrationGroup) -> None:
    browser.sign_in("petra@example.test")

    wrong = [
        one
        for at, path in enumerate(PROVIDER_PAGES)
        for one in looked_at(browser, path, f"provider-group-{at:02}")
    ]

    assert wrong == []
