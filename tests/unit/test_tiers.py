"""The boot order: a tier is cut over only when all lower ones run at the destination."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import Failure, Step
from migrations_app.domain.decide import decide
from migrations_app.domain.decision import UnitDecision
from migrations_app.domain.lifecycle import Condition, Desired, Phase, ShutdownPolicy, TierGate
from migrations_app.domain.snapshot import CommandView, Snapshot, TierView, UnitView
from tests.unit.world import NOON, group_new, unit_new

DATABASE = replace(unit_new("db01", tier=1), phase=Phase.READY)
WEB = replace(unit_new("web01", tier=2), phase=Phase.READY)


def group_of(*units: UnitView, delay: timedelta = timedelta(), gate: TierGate = TierGate.RUNNING) -> Snapshot:
    """Return a group that is being cut over, with a chosen first tier."""
    tier = TierView(number=1, delay=delay, gate=gate)
    group = replace(group_new(*units), desired=Desired.CUT_OVER, cutover_at=NOON)
    return replace(group, tiers={1: tier})


def of(unit: UnitView, group: Snapshot) -> UnitDecision:
    """Return what is decided about one unit of the group."""
    (found,) = (decided for decided in decide(group, NOON).units if decided.after.id == unit.id)
    return found


def with_command(unit: UnitView, step: Step, phase: CommandPhase, result: dict[str, object]) -> UnitView:
    """Return the unit with its latest command."""
    command = CommandView(
        id=unit.id, step=step, round=1, attempt=1, seq=1, phase=phase, deadline=NOON, result=result
    )
    return replace(unit, latest={step: command})


def test_the_first_tier_goes_at_once_and_the_second_waits() -> None:
    group = group_of(DATABASE, WEB)

    assert of(DATABASE, group).after.phase is Phase.QUIESCING
    assert of(WEB, group).conditions == {Condition.WAITING_FOR_TIER}


@pytest.mark.parametrize("phase", [Phase.VERIFYING, Phase.AWAITING_COMMIT, Phase.COMMITTED])
def test_the_second_tier_goes_when_the_first_runs(phase: Phase) -> None:
    running = replace(DATABASE, phase=phase, started_at=NOON, committed_at=NOON)

    assert of(WEB, group_of(running, WEB)).after.phase is Phase.QUIESCING


def test_the_second_tier_goes_in_the_same_look_in_which_the_first_is_seen_running() -> None:
    seen = with_command(
        replace(DATABASE, phase=Phase.SWITCHING, was_powered_on=True),
        Step.CHECK_RUNNING,
        CommandPhase.SUCCEEDED,
        {},
    )

    assert of(WEB, group_of(seen, WEB)).after.phase is Phase.QUIESCING


def test_the_delay_of_the_first_tier_is_waited_for() -> None:
    running = replace(DATABASE, phase=Phase.VERIFYING, started_at=NOON)

    decided = of(WEB, group_of(running, WEB, delay=timedelta(seconds=30)))

    assert decided.conditions == {Condition.WAITING_FOR_TIER}
    assert decided.wake_at == NOON + timedelta(seconds=30)


def test_a_tier_without_a_gate_counts_from_its_power_on() -> None:
    powered = with_command(
        replace(DATABASE, phase=Phase.SWITCHING, was_powered_on=True, gate=TierGate.NONE),
        Step.POWER_ON,
        CommandPhase.SUCCEEDED,
        {},
    )

    assert of(WEB, group_of(powered, WEB, gate=TierGate.NONE)).after.phase is Phase.QUIESCING


def test_a_power_on_alone_does_not_pass_the_gate() -> None:
    powered = with_command(
        replace(DATABASE, phase=Phase.SWITCHING, was_powered_on=True),
        Step.POWER_ON,
        CommandPhase.SUCCEEDED,
        {},
    )

    assert of(WEB, group_of(powered, WEB)).conditions == {Condition.WAITING_FOR_TIER}


def test_a_failed_machine_holds_the_later_tiers() -> None:
    broken = replace(DATABASE, phase=Phase.FAILED, started_at=NOON)

    assert of(WEB, group_of(broken, WEB)).conditions == {Condition.WAITING_FOR_TIER}


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.CANCELLED])
def test_a_machine_that_was_taken_out_is_not_waited_for(phase: Phase) -> None:
    gone = replace(DATABASE, phase=phase)

    assert of(WEB, group_of(gone, WEB)).after.phase is Phase.QUIESCING


def test_machines_of_one_tier_go_together() -> None:
    other = replace(unit_new("db02", tier=1), phase=Phase.READY)
    group = group_of(DATABASE, other)

    assert of(DATABASE, group).after.phase is Phase.QUIESCING
    assert of(other, group).after.phase is Phase.QUIESCING


def test_one_guest_that_aborts_sends_all_back() -> None:
    stubborn = with_command(
        replace(DATABASE, phase=Phase.QUIESCING),
        Step.FREEZE,
        CommandPhase.FAILED,
        {"code": Failure.GUEST_STILL_RUNNING.value, "what": "It runs."},
    )
    group = replace(group_of(stubborn, WEB), shutdown_policy=ShutdownPolicy.ABORT)

    decision = decide(group, NOON)

    assert decision.abort.startswith("db01 did not end by its deadline")
    assert decision.wake_at == NOON
