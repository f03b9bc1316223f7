"""How an agent comes in: by a key that is shown once, works once and for a day."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.models import Agent, Enrolment, Site
from agents.services import (
    EnrolmentExpired,
    EnrolmentRefused,
    EnrolmentUsed,
    agent_enrol,
    agent_revoke,
    enrolment_create,
)
from agents.services.enrolment import enrolment_revoke
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import RightMissing
from tests.cast import NOON, Cast
from tests.integration.gateway.callers import newcomer

pytestmark = pytest.mark.django_db

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
DAY = timedelta(hours=24)


def key_of(cast: Cast) -> str:
    """Return a one-off key for Acme's site, made by Alice."""
    with tenant_context(cast.acme.tenant.id):
        return enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)[1]


def test_a_key_lets_an_agent_in_at_its_site(cast: Cast) -> None:
    let_in = agent_enrol(token=key_of(cast), newcomer=newcomer(KEY), now=NOON)

    with tenant_context(cast.acme.tenant.id):
        agent = Agent.objects.get(id=let_in.agent_id)
    assert (agent.site_id, agent.name, agent.version) == (cast.acme.site.id, "esx1", "0.1.0")
    assert bytes(agent.signing_key) == KEY.public_key().public_bytes_raw()
    assert let_in.certificate.startswith("-----BEGIN CERTIFICATE-----")


def test_only_the_key_s_hash_is_kept(cast: Cast) -> None:
    token = key_of(cast)

    with tenant_context(cast.acme.tenant.id):
        assert token.encode() not in bytes(Enrolment.objects.get().token_hash)


def test_a_key_lets_no_second_agent_in(cast: Cast) -> None:
    token = key_of(cast)
    agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)

    with pytest.raises(EnrolmentUsed, match="esx1"):
        agent_enrol(token=token, newcomer=newcomer(OTHER), now=NOON)


def test_an_agent_that_lost_the_answer_gets_it_again(cast: Cast) -> None:
    token = key_of(cast)
    first = agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)

    again = agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)

    assert (again.agent_id, again.certificate) == (first.agent_id, first.certificate)


def test_a_spent_key_answers_nobody_the_day_after(cast: Cast) -> None:
    token = key_of(cast)
    agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)

    with pytest.raises(EnrolmentUsed):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON + DAY)


def test_a_revoked_agent_does_not_come_back_by_its_old_key(cast: Cast) -> None:
    token = key_of(cast)
    let_in = agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)
    with tenant_context(cast.acme.tenant.id):
        agent_revoke(agent=Agent.objects.get(id=let_in.agent_id), actor=cast.alice, now=NOON)

    with pytest.raises(EnrolmentRefused, match="revoked"):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)


def test_a_key_is_good_for_a_day(cast: Cast) -> None:
    token = key_of(cast)

    with pytest.raises(EnrolmentExpired):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON + DAY)


def test_a_revoked_key_is_as_good_as_none(cast: Cast) -> None:
    token = key_of(cast)
    with tenant_context(cast.acme.tenant.id):
        enrolment_revoke(enrolment=Enrolment.objects.get(), actor=cast.alice, now=NOON)

    with pytest.raises(EnrolmentRefused, match="not known"):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)


def test_a_key_that_nobody_made_is_refused(cast: Cast) -> None:
    with pytest.raises(EnrolmentRefused, match="not known"):
        agent_enrol(token="enr_guess", newcomer=newcomer(KEY), now=NOON)  # noqa: S106


@pytest.mark.parametrize("wrong", [{"signing_key": b"short"}, {"sealing_key": b""}])
def test_an_agent_without_proper_keys_is_to_be_reinstalled(cast: Cast, wrong: dict[str, Any]) -> None:
    token = key_of(cast)

    with pytest.raises(EnrolmentRefused, match=r"32 bytes.*not spent.*Reinstall the agent"):
        agent_enrol(token=token, newcomer=replace(newcomer(KEY), **wrong), now=NOON)

    assert agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON).agent_id


def test_a_viewer_makes_no_key(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id), pytest.raises(RightMissing):
        enrolment_create(site=cast.acme.site, actor=cast.bob, now=NOON)


def test_a_stranger_makes_no_key_for_our_site(cast: Cast) -> None:
    with tenant_context(cast.globex.tenant.id), pytest.raises(Site.DoesNotExist):
        enrolment_create(site=cast.acme.site, actor=cast.charlie, now=NOON)


def test_a_reinstalled_host_comes_in_beside_its_old_self(cast: Cast) -> None:
    agent_enrol(token=key_of(cast), newcomer=newcomer(KEY), now=NOON)

    second = agent_enrol(token=key_of(cast), newcomer=newcomer(OTHER), now=NOON)

    with tenant_context(cast.acme.tenant.id):
        assert Agent.objects.get(id=second.agent_id).name.startswith("esx1 ")
