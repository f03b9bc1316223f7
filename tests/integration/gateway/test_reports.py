"""Reports over the wire: stored once each, applied by a worker in the agent's order, whatever came first."""

from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from agents.domain.delivery import CommandPhase
from agents.models import Command, Report
from agents.services import agent_revoke, command_close, reports_apply
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.gateway.callers import Caller, command_give
from tests.sessions import committed, login

pytestmark = committed


def stored(caller: Caller, command_id: UUID) -> list[tuple[int, str, bool]]:
    """Return number, kind and whether it was applied of what is stored about a command."""
    with tenant_context(caller.tenant_id):
        rows = Report.objects.filter(command_id=command_id).order_by("number")
        return [(row.number, row.kind, row.applied_at is not None) for row in rows]


def apply(caller: Caller, command_id: UUID) -> Command:
    """Let a worker apply what is stored; return the command."""
    with login(WORKER), tenant_context(caller.tenant_id):
        reports_apply(command_id=command_id, now=timezone.now())
        return Command.objects.get(id=command_id)


def test_the_gateway_only_stores_a_report(caller: Caller) -> None:
    command_id = command_give(caller)

    assert caller.reports(caller.report(command_id, 1)).json() == {"stored": 1}
    assert stored(caller, command_id) == [(1, "accepted", False)]


def test_a_worker_applies_what_is_stored(caller: Caller) -> None:
    command_id = command_give(caller)
    said = {"machine": "vm-9", "name": "Grüße", "rate": 0.25, "nested": {"b": [1, None, True]}}
    caller.reports(caller.report(command_id, 1), caller.report(command_id, 2, "succeeded", said))

    command = apply(caller, command_id)

    assert (command.phase, command.result) == (CommandPhase.SUCCEEDED, said)
    assert stored(caller, command_id) == [(1, "accepted", True), (2, "succeeded", True)]


def test_the_same_report_again_is_stored_once(caller: Caller) -> None:
    command_id = command_give(caller)
    report = caller.report(command_id, 1)

    caller.reports(report)
    answer = caller.reports(report, report)

    assert answer.json() == {"stored": 2}
    assert stored(caller, command_id) == [(1, "accepted", False)]


def test_a_number_is_never_given_another_meaning(caller: Caller) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 1, "failed", {"code": "internal", "what": "no"}))

    caller.reports(caller.report(command_id, 1, "succeeded"))

    assert stored(caller, command_id) == [(1, "failed", False)]
    assert apply(caller, command_id).phase == CommandPhase.FAILED


def test_an_end_that_overtook_the_beginning_stays_the_end(caller: Caller) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 3, "succeeded"))
    apply(caller, command_id)

    caller.reports(caller.report(command_id, 1), caller.report(command_id, 2, "progress", {"planned": 1}))

    assert apply(caller, command_id).phase == CommandPhase.SUCCEEDED
    assert stored(caller, command_id) == [
        (1, "accepted", True),
        (2, "progress", True),
        (3, "succeeded", True),
    ]


def test_a_gap_in_the_numbers_holds_nothing_up(caller: Caller) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 1), caller.report(command_id, 9, "succeeded"))

    assert apply(caller, command_id).phase == CommandPhase.SUCCEEDED


def test_progress_that_comes_late_undoes_no_newer_one(caller: Caller) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 3, "progress", {"content": 30}))
    apply(caller, command_id)

    caller.reports(caller.report(command_id, 2, "progress", {"content": 20}))

    assert apply(caller, command_id).progress == {"content": 30}


def test_nothing_is_stored_about_another_agent_s_command(caller: Caller, stranger: Caller) -> None:
    command_id = command_give(caller)

    answer = stranger.reports(stranger.report(command_id, 1, "succeeded"))

    assert answer.json() == {"stored": 0}
    assert stored(caller, command_id) == []


def test_a_forged_report_is_refused(caller: Caller, stranger: Caller) -> None:
    command_id = command_give(caller)

    answer = caller.reports(stranger.report(command_id, 1, "succeeded"))

    assert (answer.status_code, answer.json()["code"]) == (403, "AGT-04")
    assert stored(caller, command_id) == []


def test_what_the_database_cannot_keep_is_refused_and_the_rest_can_be_told(caller: Caller) -> None:
    command_id = command_give(caller)
    good, bad = caller.report(command_id, 1), caller.report(command_id, 2, "progress", {"said": "\x00"})

    together = caller.reports(good, bad)
    apart = [caller.reports(good).status_code, caller.reports(bad).status_code]

    assert (together.status_code, together.json()["code"]) == (400, "AGT-07")
    assert apart == [200, 400]
    assert stored(caller, command_id) == [(1, "accepted", False)]


def test_an_agent_s_number_zero_is_refused(caller: Caller) -> None:
    command_id = command_give(caller)

    assert caller.reports(caller.report(command_id, 0, "closed")).status_code == 400


def test_an_agent_cannot_say_what_only_the_portal_may(caller: Caller) -> None:
    command_id = command_give(caller)

    answer = caller.reports(caller.report(command_id, 1, "closed"))

    assert answer.status_code == 400
    assert stored(caller, command_id) == []


def test_a_report_on_a_closed_command_is_kept_and_changes_nothing(caller: Caller) -> None:
    command_id = command_give(caller)
    with tenant_context(caller.tenant_id):
        command_close(command_id=command_id, to=CommandPhase.EXPIRED, why="late.", now=timezone.now())

    caller.reports(caller.report(command_id, 1, "succeeded"))

    assert apply(caller, command_id).phase == CommandPhase.EXPIRED
    assert stored(caller, command_id) == [(0, "closed", True), (1, "succeeded", True)]


def test_what_a_revoked_agent_had_stored_counts_no_more(caller: Caller, cast: Cast) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 1, "succeeded"))
    with tenant_context(caller.tenant_id):
        agent_revoke(agent=caller.row(), actor=cast.alice, now=timezone.now())

    assert apply(caller, command_id).phase == CommandPhase.PENDING


def test_a_provider_s_agent_reports_to_whom_it_works_for(caller: Caller, cast: Cast) -> None:
    theirs = command_give(caller, tenant_id=cast.globex.tenant.id)

    caller.reports(caller.report(theirs, 1, "succeeded"))

    with tenant_context(cast.globex.tenant.id):
        assert Report.objects.get(command_id=theirs).tenant_id == cast.globex.tenant.id


def test_an_inventory_of_eight_mebibytes_is_too_much_and_one_of_two_is_not(caller: Caller) -> None:
    command_id = command_give(caller)
    sizes: dict[int, int] = {2 << 20: 0, 9 << 20: 0}

    def told(size: int) -> int:
        said: dict[str, Any] = {"kind": "objects", "objects": ["x" * size]}
        return caller.reports(caller.report(command_id, 1, "progress", said)).status_code

    assert [told(size) for size in sizes] == [200, 413]


@pytest.mark.parametrize("kind", ["failed", "superseded"])
def test_other_ends_are_applied_too(caller: Caller, kind: str) -> None:
    command_id = command_give(caller)
    caller.reports(caller.report(command_id, 1, kind, {"code": "internal", "what": "It broke."}))

    assert apply(caller, command_id).phase == kind
