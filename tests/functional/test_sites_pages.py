"""Sites and agents as people see and change them."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from agents.domain.release import FILES, INSTALLER, KEY, fingerprint
from agents.domain.site import SiteState
from agents.hostagent.release import release_build, release_sign
from agents.models import Agent, Enrolment, Site
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.releases import Publisher

SEEN = "ab" * 32


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice, who owns Acme."""
    return signed_in("alice")


def site_is(cast: Cast, **changes: object) -> None:
    """Change Acme's site behind the portal's back, as its connector does."""
    with tenant_context(cast.acme.tenant.id):
        Site.objects.filter(id=cast.acme.site.id).update(**changes)


def site_of(cast: Cast) -> Site:
    """Return Acme's site as it is now."""
    with tenant_context(cast.acme.tenant.id):
        return Site.objects.get(id=cast.acme.site.id)


def address(cast: Cast, more: str = "") -> str:
    """Return the address of Acme's site."""
    return f"/t/{cast.acme.tenant.id}/sites/{cast.acme.site.id}/{more}"


def test_a_new_site_leads_to_its_set_up(cast: Cast, alice: Client) -> None:
    answer = alice.post(f"/t/{cast.acme.tenant.id}/sites/", {"name": "Lyon"}, follow=True)

    assert "The site waits for its first agent" in text(answer)


def test_a_name_that_is_taken_is_refused_on_the_list(cast: Cast, alice: Client) -> None:
    answer = alice.post(f"/t/{cast.acme.tenant.id}/sites/", {"name": "Acme site"}, follow=True)

    assert "The site was not made. There is a site called Acme site." in text(answer)
    assert "site_name_taken" in text(answer)


def test_the_install_command_is_shown_once(cast: Cast, alice: Client) -> None:
    once = text(alice.post(address(cast, "enrol")))
    later = text(alice.get(address(cast)))

    assert re.search(r"curl -fsS http\S+/agent/install \| sudo sh -s -- --key enr_\S+", once)
    assert "enr_" not in later


def test_the_key_of_a_command_is_kept_as_a_hash_alone(cast: Cast, alice: Client) -> None:
    once = text(alice.post(address(cast, "enrol")))
    key = re.search(r"enr_\S+", once)

    with tenant_context(cast.acme.tenant.id):
        kept = bytes(Enrolment.objects.get().token_hash)
    assert key is not None
    assert key[0].encode() not in kept


def test_the_password_is_sealed_and_never_shown(cast: Cast, alice: Client) -> None:
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.connector.id).update(sealing_key=bytes(range(32)))
    entered = {"host": "vc.acme.test", "port": "8443", "username": "reader", "password": "s3cret-words"}

    answer = alice.post(address(cast, "connect"), entered, follow=True)

    site = site_of(cast)
    assert (site.host, site.port, site.username) == ("vc.acme.test", 8443, "reader")
    assert b"s3cret-words" not in bytes(site.sealed_password)
    assert b"s3cret-words" not in answer.content


def test_an_address_with_a_path_is_refused_with_what_to_do(cast: Cast, alice: Client) -> None:
    entered = {"host": "https://vc.acme.test/ui", "port": "443", "username": "reader", "password": "x"}

    answer = alice.post(address(cast, "connect"), entered, follow=True)

    assert "Enter the name alone, without https:// or a path." in text(answer)


def test_a_user_that_is_too_long_is_refused_with_what_to_do(cast: Cast, alice: Client) -> None:
    entered = {"host": "vc.acme.test", "port": "443", "username": "u" * 300, "password": "x"}

    answer = alice.post(address(cast, "connect"), entered, follow=True)

    assert "A user has at most 200 characters" in text(answer)


def test_a_name_that_is_too_long_is_refused_and_not_cut(cast: Cast, alice: Client) -> None:
    page = f"/t/{cast.acme.tenant.id}/sites/"

    answer = alice.post(page, {"name": "x" * 201}, follow=True)

    assert "A name has between 1 and 200 characters." in text(answer)
    assert "x" * 100 not in text(answer)


def test_an_unknown_certificate_is_shown_to_be_compared(cast: Cast, alice: Client) -> None:
    site_is(cast, state=SiteState.CERTIFICATE_UNKNOWN, state_code="VC-07", seen_fingerprint=SEEN)

    said = text(alice.get(address(cast)))

    assert ":".join(["AB"] * 32) in said
    assert "VC-07" in said


def test_an_accepted_certificate_is_pinned(cast: Cast, alice: Client) -> None:
    site_is(cast, state=SiteState.CERTIFICATE_UNKNOWN, seen_fingerprint=SEEN)

    answer = alice.post(address(cast, "certificate"), {"fingerprint": SEEN}, follow=True)

    assert site_of(cast).fingerprint == SEEN
    assert "The certificate is accepted." in text(answer)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (SiteState.UNREACHABLE, "The connector does not reach vCenter"),
        (SiteState.HUNG, "vCenter has stopped answering"),
        (SiteState.CREDENTIALS_REFUSED, "Enter them anew below."),
        (SiteState.CERTIFICATE_CHANGED, "accept the new one only then"),
        (SiteState.NO_CONNECTOR, "Enter its address, a user and the password."),
    ],
)
def test_every_bad_state_says_what_to_do(cast: Cast, alice: Client, state: SiteState, word: str) -> None:
    site_is(cast, state=state)

    assert word in text(alice.get(address(cast)))


def test_a_viewer_sees_a_site_and_no_form(cast: Cast) -> None:
    site_is(cast, state=SiteState.CERTIFICATE_UNKNOWN, seen_fingerprint=SEEN)

    said = text(signed_in("bob").get(address(cast)))

    assert "needs the role of an owner or operator" in said
    assert "Install an agent" not in said.replace("“Install an agent”", "")


@pytest.mark.parametrize(
    ("age", "word"),
    [(timedelta(seconds=5), "Healthy"), (timedelta(seconds=45), "Late"), (timedelta(minutes=5), "Silent")],
)
def test_an_agent_s_health_is_the_age_of_its_last_word(
    cast: Cast, alice: Client, age: timedelta, word: str
) -> None:
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(site=cast.acme.site).update(last_seen_at=timezone.now() - age)

    assert word in text(alice.get(f"/t/{cast.acme.tenant.id}/agents/"))


def test_a_clock_that_is_wrong_is_pointed_at(cast: Cast, alice: Client) -> None:
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.source.id).update(clock_skew_ms=-90_000)

    assert "wrong -90.0 s" in text(alice.get(f"/t/{cast.acme.tenant.id}/agents/"))


def test_revoking_asks_first_and_says_what_follows(cast: Cast, alice: Client) -> None:
    revoke = f"/t/{cast.acme.tenant.id}/agents/{cast.acme.source.id}/revoke"

    asked = text(alice.get(revoke))
    done = text(alice.post(revoke, follow=True))

    assert "It cannot come back with its old key" in asked
    assert "Acme host is revoked." in done


def test_another_tenant_s_agent_cannot_be_revoked_through_one_s_own_address(
    cast: Cast, alice: Client
) -> None:
    answer = alice.post(f"/t/{cast.acme.tenant.id}/agents/{cast.globex.source.id}/revoke")

    assert answer.status_code == 404


def test_the_command_names_this_portal_and_the_release_key(
    cast: Cast, alice: Client, agent_release: Path
) -> None:
    once = text(alice.post(address(cast, "enrol")))

    key = fingerprint((agent_release / KEY).read_text())
    assert re.search(rf"--key enr_\S+ --portal http\S+ --release-key {key}", once)
    assert f"{key[:2]}:{key[2:4]}".upper() in once
    assert hashlib.sha256((agent_release / INSTALLER).read_bytes()).hexdigest() in once


def test_the_api_gives_the_same_command(cast: Cast, alice: Client) -> None:
    answer = alice.post(f"/api/v1/sites/{cast.acme.site.id}/enrolments/", content_type="application/json")

    assert " --release-key " in answer.json()["command"]


def test_the_script_is_the_release_s_own_byte_for_byte(agent_release: Path) -> None:
    served = Client().get("/agent/install").getvalue()

    assert served == (agent_release / INSTALLER).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_release_is_served(agent_release: Path, name: str) -> None:
    served = Client().get(f"/agent/release/{name}").getvalue()

    assert served == (agent_release / name).read_bytes()


@pytest.mark.parametrize("name", ["secrets.json", "..%2Fagent-release.key", "manifest.json.new"])
def test_nothing_beside_the_release_is_served(name: str) -> None:
    assert Client().get(f"/agent/release/{name}").status_code == 404


def test_a_development_release_is_told_as_one(
    cast: Cast, alice: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    release_build(tmp_path, version="9.9.9", wheels={}, now=timezone.now(), development=True)
    release_sign(tmp_path, key=Publisher().key)
    monkeypatch.setattr(settings, "AGENT_RELEASE", tmp_path)

    assert "Release 9.9.9 is a development release" in text(alice.post(address(cast, "enrol")))


def test_without_a_release_no_key_is_made(
    cast: Cast, alice: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "AGENT_RELEASE", tmp_path)

    answer = alice.post(address(cast, "enrol"), follow=True)

    assert "REL-08" in text(answer)
    assert Client().get("/agent/install").status_code == 404
    with tenant_context(cast.acme.tenant.id):
        assert not Enrolment.objects.exists()
