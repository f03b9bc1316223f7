"""The pages of policies, quotas, compliance and standings: axe-core, no sideways scroll, both themes."""

from dataclasses import replace

import pytest

from tenants.domain.quota import GIB, Limit, Measure
from tenants.services import policy_update, tenant_suspend
from tests.browser.conftest import Browser
from tests.browser.test_look import looked_at
from tests.cast import NOON, Cast, group_of, machine_of
from tests.policies import limited, made, petra_of, terms
from tests.sessions import committed
from tests.staff import Staff

pytestmark = [pytest.mark.browser, committed]
PAGES = ("policies/", "policies/{policy}/", "compliance/", "tenants/", "tenants/{tenant}/")


@pytest.fixture
def limits(people: tuple[Cast, Staff]) -> tuple[Cast, str]:
    """Acme over, at and near its limits and suspended; the id of its policy."""
    cast, staff = people
    made(staff, terms("Basic", default=True, sites=2))
    policy = limited(staff, cast.acme)
    bounds = {
        Measure.SITES: Limit(soft=1, hard=1),
        Measure.AGENTS: Limit(hard=4),
        Measure.BYTES: Limit(soft=GIB, hard=10 * GIB),
        Measure.PEOPLE: Limit(hard=10),
    }
    group_of(cast.acme, cast.alice)
    policy_update(
        actor=petra_of(staff),
        policy_id=policy.id,
        terms=replace(terms(policy.name), limits=bounds),
        version=1,
        now=NOON,
    )
    tenant_suspend(
        actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason="The invoice of May is open", now=NOON
    )
    return cast, str(policy.id)


def test_the_provider_s_terms_are_sound(browser: Browser, limits: tuple[Cast, str]) -> None:
    cast, policy = limits
    browser.sign_in("petra@example.test")

    pages = [f"/provider/{page.format(policy=policy, tenant=cast.acme.tenant.id)}" for page in PAGES]
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"terms-{at:02}")]

    assert wrong == []


def test_a_tenant_s_quotas_are_sound(browser: Browser, limits: tuple[Cast, str]) -> None:
    cast, _ = limits
    machine_of(cast.acme, "app-01")
    browser.sign_in("alice@example.test")

    pages = [f"/t/{cast.acme.tenant.id}/{page}" for page in ("", "quotas/", "groups/new")]
    wrong = [one for at, path in enumerate(pages) for one in looked_at(browser, path, f"quotas-{at:02}")]

    assert wrong == []
