"""A revoked connector leaves its duty: another agent takes it, and the password is entered anew."""

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.agent import Duty
from agents.domain.site import SiteState
from agents.models import Agent, Site
from agents.services import ConnectorMissing, agent_enrol, agent_revoke, enrolment_create, site_connect
from agents.services.watching import site_reconcile
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast
from tests.integration.gateway.callers import newcomer

pytestmark = pytest.mark.django_db


def site(cast: Cast) -> Site:
    """Acme's site as it stands."""
    with tenant_context(cast.acme.tenant.id):
        return Site.objects.get(id=cast.acme.site.id)


def revoke(cast: Cast, agent: Agent) -> None:
    """Let Alice put an agent out, and a worker look at the site."""
    with tenant_context(cast.acme.tenant.id):
        agent_revoke(agent=agent, actor=cast.alice, now=NOON)
        site_reconcile(site_id=cast.acme.site.id, now=NOON)


def another_connector(cast: Cast, *, name: str = "esx2") -> UUID:
    """Enrol an agent at Acme's site that can be its connector."""
    with tenant_context(cast.acme.tenant.id):
        _, token = enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)
    duties = (Duty.HOST.value, Duty.CONNECTOR.value)
    told = newcomer(Ed25519PrivateKey.generate(), name=name, duties=duties)
    return agent_enrol(token=token, newcomer=told, now=NOON).agent_id


def connect(cast: Cast) -> None:
    """Let Alice enter the vCenter's credentials."""
    with tenant_context(cast.acme.tenant.id):
        site_connect(
            site=cast.acme.site,
            actor=cast.alice,
            host="vc.acme.test",
            port=443,
            username="landfall",
            password="a secret",  # noqa: S106
            now=NOON,
        )


def sealable(cast: Cast) -> None:
    """Give the cast's connector a key that a password can be sealed to."""
    key = newcomer(Ed25519PrivateKey.generate()).sealing_key
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.connector.id).update(sealing_key=key)


def test_the_site_has_no_connector_and_no_password_after_its_connector_is_revoked(cast: Cast) -> None:
    sealable(cast)
    connect(cast)

    revoke(cast, cast.acme.connector)

    assert site(cast).connector_id is None
    assert bytes(site(cast).sealed_password) == b""
    assert (site(cast).state, site(cast).state_code) == (SiteState.NO_CONNECTOR, "AGT-01")


def test_older_watchers_are_fenced(cast: Cast) -> None:
    before = site(cast).generation

    revoke(cast, cast.acme.connector)

    assert site(cast).generation == before + 1


def test_another_agent_with_the_duty_takes_it(cast: Cast) -> None:
    heir = another_connector(cast)

    revoke(cast, cast.acme.connector)

    assert site(cast).connector_id == heir


def test_an_agent_without_the_duty_does_not(cast: Cast) -> None:
    revoke(cast, cast.acme.connector)

    assert site(cast).connector_id != cast.acme.source.id


def test_a_revoked_agent_is_no_heir(cast: Cast) -> None:
    gone = another_connector(cast)
    with tenant_context(cast.acme.tenant.id):
        revoked = Agent.objects.get(id=gone)
    revoke(cast, revoked)

    revoke(cast, cast.acme.connector)

    assert site(cast).connector_id is None


def test_the_next_to_come_takes_it(cast: Cast) -> None:
    revoke(cast, cast.acme.connector)

    came = another_connector(cast)

    assert site(cast).connector_id == came


def test_the_password_is_sealed_to_the_new_one(cast: Cast) -> None:
    revoke(cast, cast.acme.connector)
    another_connector(cast)

    connect(cast)

    assert bytes(site(cast).sealed_password) != b""


def test_without_any_connector_no_password_is_taken(cast: Cast) -> None:
    revoke(cast, cast.acme.connector)

    with pytest.raises(ConnectorMissing):
        connect(cast)


def test_another_agent_s_end_changes_nothing_of_it(cast: Cast) -> None:
    revoke(cast, cast.acme.source)

    assert site(cast).connector_id == cast.acme.connector.id
