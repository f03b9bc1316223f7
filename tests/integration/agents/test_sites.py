"""Sites: one watcher at work on each, a password that only its connector opens, a pin that people accept."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.domain.agent import AgentState
from agents.domain.delivery import CommandPhase, ReportKind
from agents.domain.protocol import Step
from agents.domain.sealing import unseal
from agents.models import Agent, Command, Site
from agents.services import (
    ConnectorMissing,
    SiteInvalid,
    SiteNameTaken,
    SiteUnconnected,
    report_record,
    site_certificate_accept,
    site_connect,
    site_create,
    site_reconcile,
)
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, RightMissing
from tests.cast import NOON, Cast, House
from tests.integration.agents.telling import living, machine, objects, site_of, tell

pytestmark = pytest.mark.django_db
KEY = X25519PrivateKey.generate()
PIN = "ab" * 32


def connect(house: House, actor: Actor, **changes: Any) -> Site:
    """Give the house's site a vCenter, as its page does."""
    usual = {"host": "vcenter.acme.test", "port": 443, "username": "landfall", "password": "s3cret"}
    with tenant_context(house.tenant.id):
        Agent.objects.filter(id=house.connector.id).update(sealing_key=KEY.public_key().public_bytes_raw())
        return site_connect(site=house.site, actor=actor, now=NOON, **{**usual, **changes})


def look(house: House, *, minutes: float = 0) -> bool:
    """Reconcile the site, so many minutes after noon."""
    with tenant_context(house.tenant.id):
        return site_reconcile(site_id=house.site.id, now=NOON + timedelta(minutes=minutes))


def watchers(house: House) -> list[Command]:
    """Return the site's watch commands, the eldest first."""
    with tenant_context(house.tenant.id):
        found = Command.objects.filter(unit_id=house.site.id, step=Step.WATCH_INVENTORY)
        return list(found.order_by("generation", "seq"))


def say(house: House, command: Command, number: int, report: ReportKind, /, **body: Any) -> None:
    """Let the connector report on its watch."""
    with tenant_context(house.tenant.id):
        report_record(
            agent_id=house.connector.id,
            command_id=command.id,
            number=number,
            kind=report,
            body=body,
            now=NOON,
        )


# -- the watcher --------------------------------------------------------------------------------------


def test_a_connected_site_gets_one_watcher_however_often_it_is_looked_at(cast: Cast) -> None:
    connect(cast.acme, cast.alice)

    look(cast.acme)
    look(cast.acme)
    look(cast.acme, minutes=1)

    [watcher] = watchers(cast.acme)
    assert (watcher.agent_id, watcher.phase) == (cast.acme.connector.id, CommandPhase.PENDING)
    assert watcher.body["endpoint"]["host"] == "vcenter.acme.test"


def test_the_watcher_s_order_holds_no_password_that_anybody_else_can_read(cast: Cast) -> None:
    connect(cast.acme, cast.alice, password="correct horse")  # noqa: S106

    look(cast.acme)

    site = site_of(cast.acme)
    assert "correct horse" not in str(watchers(cast.acme)[0].body)
    assert unseal(KEY.private_bytes_raw(), bytes(site.sealed_password)) == b"correct horse"


def test_new_credentials_supersede_the_watcher_that_had_the_old_ones(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    look(cast.acme)

    connect(cast.acme, cast.alice, password="another")  # noqa: S106
    look(cast.acme)

    old, new = watchers(cast.acme)
    assert (old.phase, new.phase) == (CommandPhase.SUPERSEDED, CommandPhase.PENDING)
    assert new.generation == old.generation + 1


def test_a_refused_password_is_not_ordered_again_until_a_person_enters_one(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    look(cast.acme)
    say(cast.acme, watchers(cast.acme)[0], 1, ReportKind.FAILED, code="credentials_refused", what="Refused.")

    look(cast.acme)
    look(cast.acme, minutes=60 * 24 * 7)

    site = site_of(cast.acme)
    assert (site.state, site.state_code, site.halted) == ("credentials_refused", "VC-01", True)
    assert len(watchers(cast.acme)) == 1

    connect(cast.acme, cast.alice, password="right")  # noqa: S106
    look(cast.acme)
    assert len(watchers(cast.acme)) == 2


def test_a_watcher_that_failed_otherwise_is_followed_by_another(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    look(cast.acme)
    say(
        cast.acme, watchers(cast.acme)[0], 1, ReportKind.FAILED, code="vcenter_unreachable", what="No answer."
    )

    look(cast.acme)

    assert [one.phase for one in watchers(cast.acme)] == [CommandPhase.FAILED, CommandPhase.PENDING]
    assert (site_of(cast.acme).state, site_of(cast.acme).state_code) == ("unreachable", "NET-02")


def test_a_site_whose_connector_was_revoked_has_none(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.connector.id).update(state=AgentState.REVOKED)

    look(cast.acme)

    assert (site_of(cast.acme).state, watchers(cast.acme)) == ("no_connector", [])


def test_looking_at_a_site_of_another_tenant_does_nothing(cast: Cast) -> None:
    connect(cast.acme, cast.alice)

    with tenant_context(cast.globex.tenant.id):
        looked = site_reconcile(site_id=cast.acme.site.id, now=NOON)

    assert (looked, watchers(cast.acme)) == (False, [])


# -- what the watcher tells ---------------------------------------------------------------------------


def test_what_the_watcher_tells_becomes_the_inventory(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    look(cast.acme)
    [watcher] = watchers(cast.acme)

    say(cast.acme, watcher, 1, ReportKind.ACCEPTED)
    say(cast.acme, watcher, 2, ReportKind.PROGRESS, **objects(machine()))
    say(cast.acme, watcher, 2, ReportKind.PROGRESS, **objects(machine("vm-9")))
    say(cast.acme, watcher, 3, ReportKind.PROGRESS, kind="synced", sync="s")

    assert living(cast.acme) == {"vm-1"}
    assert site_of(cast.acme).inventory_at == NOON


def test_what_a_watcher_says_after_its_end_changes_nothing(cast: Cast) -> None:
    connect(cast.acme, cast.alice)
    look(cast.acme)
    [watcher] = watchers(cast.acme)
    say(cast.acme, watcher, 1, ReportKind.PROGRESS, **objects(machine()))
    say(cast.acme, watcher, 2, ReportKind.FAILED, code="internal", what="Ended.")

    say(cast.acme, watcher, 3, ReportKind.PROGRESS, kind="references", moids={"vm": []})

    assert living(cast.acme) == {"vm-1"}


@pytest.mark.parametrize(
    ("state", "code"),
    [("hung", "VC-06"), ("unreachable", "NET-02"), ("certificate_changed", "VC-04"), ("connected", "")],
)
def test_every_state_comes_with_its_code_and_since_when(cast: Cast, state: str, code: str) -> None:
    tell(cast.acme, {"kind": "state", "state": state, "reason": "what and why"})

    site = site_of(cast.acme)
    assert (site.state, site.state_code, site.state_reason) == (state, code, "what and why")
    assert site.state_since == NOON


def test_a_state_that_goes_on_keeps_its_beginning(cast: Cast) -> None:
    tell(cast.acme, {"kind": "state", "state": "hung", "reason": "45 s"})

    tell(cast.acme, {"kind": "state", "state": "hung", "reason": "10 s"}, now=NOON + timedelta(hours=1))

    assert (site_of(cast.acme).state_since, site_of(cast.acme).state_reason) == (NOON, "10 s")


def test_the_certificate_that_was_seen_is_shown_and_not_pinned(cast: Cast) -> None:
    tell(cast.acme, {"kind": "state", "state": "certificate_unknown", "fingerprint": PIN})

    assert (site_of(cast.acme).seen_fingerprint, site_of(cast.acme).fingerprint) == (PIN, "")


# -- what people do -----------------------------------------------------------------------------------


def test_an_accepted_certificate_is_pinned_and_tried_at_once(cast: Cast) -> None:
    before = site_of(cast.acme).generation

    with tenant_context(cast.acme.tenant.id):
        colons = ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()
        site_certificate_accept(site=cast.acme.site, actor=cast.alice, fingerprint=colons, now=NOON)

    site = site_of(cast.acme)
    assert (site.fingerprint, site.generation, site.wake_at) == (PIN, before + 1, NOON)


@pytest.mark.parametrize("pin", ["", "ab", "zz" * 32, PIN + "00"])
def test_what_is_no_fingerprint_is_not_pinned(cast: Cast, pin: str) -> None:
    with pytest.raises(SiteInvalid), tenant_context(cast.acme.tenant.id):
        site_certificate_accept(site=cast.acme.site, actor=cast.alice, fingerprint=pin, now=NOON)

    assert site_of(cast.acme).fingerprint == ""


def test_a_site_without_a_vcenter_has_no_certificate_to_accept(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        bare = site_create(actor=cast.alice, name="Bare")

    with tenant_context(cast.acme.tenant.id), pytest.raises(SiteUnconnected) as refused:
        site_certificate_accept(site=bare, actor=cast.alice, fingerprint=PIN, now=NOON)

    assert refused.value.status == 409


@pytest.mark.parametrize("moved", [{"host": "other.acme.test"}, {"port": 8443}])
def test_a_vcenter_at_another_address_has_to_show_its_certificate_anew(
    cast: Cast, moved: dict[str, Any]
) -> None:
    connect(cast.acme, cast.alice)
    with tenant_context(cast.acme.tenant.id):
        site_certificate_accept(site=cast.acme.site, actor=cast.alice, fingerprint=PIN, now=NOON)

    connect(cast.acme, cast.alice, password="new")  # noqa: S106
    kept = site_of(cast.acme).fingerprint
    connect(cast.acme, cast.alice, **moved)

    assert (kept, site_of(cast.acme).fingerprint) == (PIN, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": ""},
        {"host": "https://vcenter"},
        {"host": "vcenter/sdk"},
        {"host": "two words"},
        {"port": 0},
        {"port": 65536},
        {"username": " "},
    ],
)
def test_an_address_that_cannot_be_one_is_refused(cast: Cast, wrong: dict[str, Any]) -> None:
    with pytest.raises(SiteInvalid):
        connect(cast.acme, cast.alice, **wrong)


def test_a_password_is_not_taken_while_nobody_could_open_it(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        Site.objects.filter(id=cast.acme.site.id).update(connector=None)

    with pytest.raises(ConnectorMissing):
        connect(cast.acme, cast.alice)


def test_a_viewer_changes_nothing_of_a_site(cast: Cast) -> None:
    with pytest.raises(RightMissing):
        connect(cast.acme, cast.bob)
    with pytest.raises(RightMissing), tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.bob, name="Bob's")


def test_a_stranger_does_not_find_the_site(cast: Cast) -> None:
    with pytest.raises(Site.DoesNotExist):
        connect(cast.acme, cast.charlie)


def test_a_name_is_one_site_s_of_an_organisation_and_free_for_another(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name="North")
    with tenant_context(cast.globex.tenant.id):
        site_create(actor=cast.charlie, name="North")

    with pytest.raises(SiteNameTaken), tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name="North ")


@pytest.mark.parametrize("name", ["  ", "x" * 201, "North\nSouth", "North\u202ehtuoS"])
def test_a_site_needs_a_name(cast: Cast, name: str) -> None:
    with pytest.raises(SiteInvalid), tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name=name)


@pytest.mark.parametrize("wrong", [{"username": "u" * 201}, {"username": "a\nb"}, {"password": "p" * 1001}])
def test_a_sign_in_that_the_api_refuses_is_refused_by_whoever_asks(cast: Cast, wrong: dict[str, str]) -> None:
    with pytest.raises(SiteInvalid, match="at most 200 characters"):
        connect(cast.acme, cast.alice, **wrong)
