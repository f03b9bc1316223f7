"""The remedy for a group that does not converge, where its people look: on the group's own page."""

import pytest

from migrations_app.models import MigrationGroup
from portal.lib.tenancy import tenant_context
from tests.cast import Cast, group_of
from tests.functional.pages import signed_in, text

pytestmark = pytest.mark.django_db
MIB = 1 << 20


@pytest.fixture
def group(cast: Cast) -> MigrationGroup:
    """Acme's group of db01."""
    return group_of(cast.acme, cast.alice)


def typed(group: MigrationGroup, who: str = "alice", **fields: str) -> int:
    """Fill in the form; the answer's status."""
    return signed_in(who).post(f"/t/{group.tenant_id}/groups/{group.id}/budget", fields).status_code


def held(group: MigrationGroup) -> tuple[int, int]:
    """The group's budget and its rate limit, in bytes."""
    with tenant_context(group.tenant_id):
        now = MigrationGroup.objects.get(id=group.id)
    return now.cutover_budget_bytes, now.rate_limit


def test_more_may_remain_and_it_goes_slower(group: MigrationGroup) -> None:
    typed(group, budget="512", rate="20")

    assert held(group) == (512 * MIB, 20 * MIB)


def test_a_limit_is_taken_away_by_a_zero(group: MigrationGroup) -> None:
    typed(group, budget="512", rate="20")

    typed(group, budget="512", rate="0")

    assert held(group) == (512 * MIB, 0)


@pytest.mark.parametrize("nonsense", ["", "-3", "many", "²", "9" * 400, "1.5"])
def test_what_is_no_number_changes_nothing(group: MigrationGroup, nonsense: str) -> None:
    before = held(group)

    assert typed(group, budget=nonsense, rate=nonsense) == 302

    assert held(group) == before


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"budget": "abc", "rate": "-1"}, "What may remain, in MiB, is a whole number from 0 to"),
        ({"budget": "5", "rate": "1.5"}, "The rate limit, in MiB, is a whole number from 0 to"),
    ],
)
def test_what_is_no_number_is_told_and_never_called_a_change(
    group: MigrationGroup, fields: dict[str, str], why: str
) -> None:
    before = held(group)

    said = text(
        signed_in("alice").post(f"/t/{group.tenant_id}/groups/{group.id}/budget", fields, follow=True)
    )

    assert why in said
    assert "The next round goes by" not in said
    assert held(group) == before


def test_a_group_that_is_closed_has_no_next_round(group: MigrationGroup) -> None:
    with tenant_context(group.tenant_id):
        MigrationGroup.objects.filter(id=group.id).update(desired="cut_over", paused=True)
        group.units.update(phase="rolled_back")
    alice, address = signed_in("alice"), f"/t/{group.tenant_id}/groups/{group.id}/"

    answer = alice.post(f"{address}budget", {"budget": "5", "rate": "5"}, follow=True)

    said, content = text(answer), answer.content.decode()
    assert "All of its machines are committed, rolled back or cancelled." in said
    assert all(absent not in said for absent in ("The next round goes by", "Change both", "Paused"))
    assert all(absent not in content for absent in ("ask/pause", "ask/resume"))


def test_what_the_page_showed_rounded_is_not_taken_for_a_change(group: MigrationGroup) -> None:
    with tenant_context(group.tenant_id):
        MigrationGroup.objects.filter(id=group.id).update(cutover_budget_bytes=MIB + 5)

    typed(group, budget="1", rate="7")

    assert held(group) == (MIB + 5, 7 * MIB)


def test_a_viewer_may_not_and_a_stranger_finds_nothing(group: MigrationGroup) -> None:
    before = held(group)

    assert [typed(group, who, budget="1", rate="1") for who in ("bob", "charlie")] == [403, 404]

    assert held(group) == before


def test_the_form_is_on_the_group_s_page(group: MigrationGroup) -> None:
    page = signed_in("alice").get(f"/t/{group.tenant_id}/groups/{group.id}/")

    assert "Change both" in text(page)


def test_a_viewer_reads_them_and_has_no_form(group: MigrationGroup) -> None:
    page = text(signed_in("bob").get(f"/t/{group.tenant_id}/groups/{group.id}/"))

    assert "May remain for the cut-over" in page
    assert "Change both" not in page


def test_a_cancelled_group_has_no_form(group: MigrationGroup) -> None:
    alice, address = signed_in("alice"), f"/t/{group.tenant_id}/groups/{group.id}/"

    alice.post(f"{address}ask/cancel")

    assert "Change both" not in text(alice.get(address))


def test_a_port_that_is_no_number_is_told_and_not_replaced(cast: Cast) -> None:
    alice = signed_in("alice")
    address = f"/t/{cast.acme.tenant.id}/sites/{cast.acme.site.id}/"

    alice.post(f"{address}connect", {"host": "vc", "port": "²", "username": "u", "password": "p"})

    assert "a port between 1 and 65535" in text(alice.get(address))
