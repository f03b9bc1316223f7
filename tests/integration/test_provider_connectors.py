"""Which sites the supervisor's connectors are for, and what it does about them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from agents.models import Enrolment, Site
from agents.services import Newcomer, agent_enrol
from portal.embedded.connectors import Connectors
from portal.lib.tenancy import tenant_context
from portal.management.commands import provider_connectors
from portal.management.commands.provider_connectors import keys_for_connectors, keys_if_possible
from tests.cast import Cast
from tests.staff import staff_create

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def site(db: None) -> Site:
    """A site of the provider's that waits for its first agent."""
    return staff_create().site


def newcomer(*duties: str) -> Newcomer:
    return Newcomer("c", "", duties, uuid4().bytes * 2, uuid4().bytes * 2, "1")


def test_a_site_of_the_provider_s_without_a_connector_gets_a_key(site: Site) -> None:
    assert set(keys_for_connectors()) == {site.id}


def test_the_key_lets_in_the_connector_of_that_site(site: Site) -> None:
    key = keys_for_connectors()[site.id]

    enrolled = agent_enrol(token=key, newcomer=newcomer("connector"), now=timezone.now())

    assert enrolled.site_id == site.id
    with tenant_context(site.tenant_id):
        assert Site.objects.get(id=site.id).connector_id == enrolled.agent_id


def test_a_site_that_has_one_gets_none(site: Site) -> None:
    agent_enrol(
        token=keys_for_connectors()[site.id], newcomer=newcomer("connector", "host"), now=timezone.now()
    )

    assert keys_for_connectors() == {}


def test_an_agent_without_the_duty_leaves_the_site_waiting(site: Site) -> None:
    agent_enrol(token=keys_for_connectors()[site.id], newcomer=newcomer("host"), now=timezone.now())

    assert set(keys_for_connectors()) == {site.id}


def test_a_site_that_is_being_seen_to_is_left_out_and_gets_no_key(site: Site) -> None:
    assert keys_for_connectors(frozenset({site.id})) == {}
    with tenant_context(site.tenant_id):
        assert not Enrolment.objects.exists()


def test_a_tenant_s_site_is_none_of_the_provider_s_business(site: Site, cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        Site.objects.update(connector=None)

    assert set(keys_for_connectors()) == {site.id}


@pytest.mark.usefixtures("db")
def test_before_there_is_a_provider_there_is_nothing_to_do() -> None:
    assert keys_for_connectors() == {}


def test_while_the_database_is_away_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_connectors, "close_old_connections", lambda: None)
    monkeypatch.setattr(provider_connectors, "keys_for_connectors", _away)

    assert keys_if_possible(frozenset()) == {}


def _away(_: frozenset[UUID]) -> Mapping[UUID, str]:
    raise OperationalError("gone")


class Asked:
    """Wants a connector for one site, and remembers what was left out each time."""

    def __init__(self) -> None:
        self.site = uuid4()
        self.but: list[frozenset[UUID]] = []

    def __call__(self, but: frozenset[UUID]) -> Mapping[UUID, str]:
        self.but.append(but)
        return {} if self.site in but else {self.site: "-key-that-begins-with-a-dash"}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def connectors(tmp_path: Path, asked: Asked) -> Iterator[Connectors]:
    running = Connectors(tmp_path, portal=NOBODY, wanted=asked)
    yield running
    running.supervisor.stop()


def test_a_refused_enrolment_is_told_and_rests_for_a_while(
    connectors: Connectors, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    connectors.look()
    connectors.look()

    assert asked.but == [frozenset(), frozenset({asked.site})]
    assert f"the connector of site {asked.site} was not enrolled: landfall agent: " in caplog.text


def test_an_agent_that_is_enrolled_already_is_run_and_not_enrolled_again(
    connectors: Connectors, asked: Asked, tmp_path: Path
) -> None:
    (tmp_path / str(asked.site)).mkdir()
    (tmp_path / str(asked.site) / "agent.json").write_text("{}")

    connectors.look()

    assert asked.but == [frozenset({asked.site})]
    assert (tmp_path / "log" / f"{asked.site}.log").exists()


def test_it_ends_when_it_is_told_to(connectors: Connectors, asked: Asked) -> None:
    connectors.supervisor.stop_ask()

    connectors.run()

    assert asked.but == []
