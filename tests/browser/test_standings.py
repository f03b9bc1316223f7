"""Groups at every point of their way, as people see them: many machines, a decision, a failure, a bill."""

from collections.abc import Callable

import pytest

from agents.domain.protocol import Failure, Step
from agents.models import Command
from migrations_app.models import MigrationGroup
from migrations_app.services import commit_request, cutover_request, group_start
from portal.lib.tenancy import tenant_context
from tests.browser.conftest import Browser
from tests.browser.test_look import looked_at
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.test_money_pages import priced
from tests.journey import Journey
from tests.scripted_agent import Outcome, failing, obliging
from tests.sessions import committed
from tests.staff import Staff

pytestmark = [pytest.mark.browser, committed]
NAMES = ("db01", "files01", "mail01", "app01", "web01", "a-machine-with-a-rather-long-name-indeed.example")
PLACES = {"mail01": 2, "app01": 2, "web01": 3, NAMES[-1]: 3}
NO_GATEWAY = "/live?token="
"""No gateway runs beside this portal, of which the console complains."""
BROKEN = failing(Step.SYNC, Failure.DESTINATION_FULL, retry=False)


def group_at(
    cast: Cast, name: str, *asks: str, script: Callable[[Command], Outcome] = obliging
) -> MigrationGroup:
    """Return a group that has come as far as `asks` bring it."""
    names = [f"{name.lower().replace(' ', '-')}-{one}" for one in NAMES]
    places = {f"{name.lower().replace(' ', '-')}-{one}": tier for one, tier in PLACES.items()}
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, places=places, name=name))
    journey = Journey(cast.acme, group, script=script)
    for ask in asks:
        with tenant_context(group.tenant_id):
            if ask == "start":
                group_start(group=group, actor=cast.alice, now=NOON)
            elif ask == "cut_over":
                cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
            else:
                commit_request(group=group, actor=cast.alice, now=journey.now)
        journey.travel()
    return group


@pytest.fixture
def groups(people: tuple[Cast, Staff]) -> dict[str, MigrationGroup]:
    """Acme's groups, one at each point, with a price for what is committed."""
    cast, staff = people
    priced(cast, staff)
    return {
        "planned": group_at(cast, "Spring wave"),
        "ready": group_at(cast, "Finance", "start"),
        "decision": group_at(cast, "Front end", "start", "cut_over"),
        "failed": group_at(cast, "Archive", "start", script=BROKEN),
        "committed": group_at(cast, "Mail", "start", "cut_over", "commit"),
    }


@pytest.mark.timeout(300)
def test_groups_are_sound_at_every_point_of_their_way(
    browser: Browser, groups: dict[str, MigrationGroup]
) -> None:
    browser.sign_in("alice@example.test")
    home = f"/t/{groups['ready'].tenant_id}"
    pages = {name: f"{home}/groups/{group.id}/" for name, group in groups.items()} | {
        "go": f"{home}/groups/{groups['ready'].id}/cutover",
        "board": f"{home}/groups/?view=board",
        "list": f"{home}/groups/?view=list",
        "usage": f"{home}/usage/",
        "home": f"{home}/",
    }

    wrong = [one for name, path in pages.items() for one in looked_at(browser, path, f"at-{name}")]

    assert [one for one in wrong if NO_GATEWAY not in one] == []
