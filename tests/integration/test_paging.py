"""Pages by key: each row once, in order, there and back, whatever is added meanwhile or made up."""

import base64
import json
from datetime import timedelta

import pytest

from migrations_app.models import MigrationGroup
from portal.lib.paging import Page, page_of
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def groups(cast: Cast) -> None:
    """Seven groups of Acme's, two of them made in the same moment."""
    for number in range(7):
        group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, name=f"wave {number}"))
        with tenant_context(cast.acme.tenant.id):
            at = NOON + timedelta(minutes=number // 2)
            MigrationGroup.objects.filter(id=group.id).update(created_at=at)


def page(cast: Cast, cursor: str = "", *, sort: str = "name", limit: int = 3) -> Page[MigrationGroup]:
    """Return a page of Acme's groups."""
    with tenant_context(cast.acme.tenant.id):
        return page_of(MigrationGroup.objects.all(), sort=sort, cursor=cursor, limit=limit)


def names(found: Page[MigrationGroup]) -> list[str]:
    """Return the last letters of what is on the page."""
    return [group.name[-1] for group in found.rows]


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at"])
def test_all_pages_together_hold_every_row_once(cast: Cast, sort: str) -> None:
    first = page(cast, sort=sort)
    second = page(cast, first.next, sort=sort)
    third = page(cast, second.next, sort=sort)

    assert sorted(names(first) + names(second) + names(third)) == list("0123456")
    assert third.next == ""


def test_the_way_back_shows_the_same_pages(cast: Cast) -> None:
    first = page(cast)
    second = page(cast, first.next)

    assert names(page(cast, second.previous)) == names(first)
    assert first.previous == ""


def test_a_row_that_is_added_before_the_page_shows_none_twice(cast: Cast) -> None:
    first = page(cast)
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, name="a wave"))

    assert names(page(cast, first.next)) == ["3", "4", "5"]


def test_a_row_that_is_gone_leaves_no_gap(cast: Cast) -> None:
    first = page(cast)
    with tenant_context(cast.acme.tenant.id):
        MigrationGroup.objects.filter(name="wave 2").update(name="other 2")

    assert names(page(cast, first.next)) == ["3", "4", "5"]


@pytest.mark.parametrize("sort", ["name", "created_at"])
@pytest.mark.parametrize("content", [[0, {}, "x"], [0, "noon", "no-uuid"], [1, None, None], [0, [], []]])
def test_a_cursor_that_was_made_up_begins_at_the_first_page(cast: Cast, sort: str, content: object) -> None:
    made_up = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    assert names(page(cast, made_up, sort=sort)) == names(page(cast, sort=sort))


def test_no_rows_are_a_page_with_no_way_on(cast: Cast) -> None:
    with tenant_context(cast.globex.tenant.id):
        empty = page_of(MigrationGroup.objects.all(), sort="name", cursor="")

    assert (empty.rows, empty.next, empty.previous) == ((), "", "")
