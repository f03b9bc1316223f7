"""What people ask of a group as a whole: each request locks the group, checks, writes and wakes it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from migrations_app.domain.lifecycle import CLOSED, Desired, Phase
from migrations_app.domain.preflight import Severity
from migrations_app.models import MigrationGroup
from migrations_app.selectors.preflight import preflight
from migrations_app.services.apply import units_recall
from migrations_app.services.locking import group_ask, group_lock
from migrations_app.services.plan import ends_renew
from migrations_app.services.refusals import (
    CommitNotReady,
    CutoverNotReady,
    GroupClosed,
    GroupNotStarted,
    GroupStarted,
    PreflightFailed,
    RollbackRefused,
)
from migrations_app.services.room import group_room
from tenants.domain.quota import UNBOUNDED, Measure
from tenants.domain.roles import Actor, Right
from tenants.services import allowance_hold


@transaction.atomic
def group_start(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Ask for the group to be validated and synchronised.

    Raises GroupStarted, PreflightFailed, QuotaExceeded, MigrationNotAllowed and TenantSuspended. How many
    machines move at once is no refusal: those beyond it wait (`OVER_QUOTA`).
    """
    locked = group_lock(group, actor, Right.OPERATE)
    if locked.desired != Desired.HOLD:
        raise GroupStarted(
            "The group was not started.",
            why="It has been started before, or was cancelled.",
            remedy="Follow its progress, or make another group.",
        )
    allowance = allowance_hold(tenant_id=locked.tenant_id)
    allowance.migrate("The group was not started.")
    ends_renew(group=locked)
    _check(locked, now)
    group_room(group=locked, allowance=allowance, what="The group was not started.")
    group_ask(locked, now=now, desired=Desired.SYNC, desired_by_id=actor.user_id)


def _check(group: MigrationGroup, now: datetime) -> None:
    fails = [finding for finding in preflight(group=group, now=now) if finding.severity is Severity.FAIL]
    if fails:
        raise PreflightFailed(
            "The group was not started.",
            why=" ".join(dict.fromkeys(finding.what for finding in fails)),
            remedy=" ".join(dict.fromkeys(finding.remedy for finding in fails)),
        )


@transaction.atomic
def group_cancel(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Close a group that was never started; raises GroupStarted."""
    locked = group_lock(group, actor, Right.OPERATE)
    if locked.desired != Desired.HOLD:
        raise GroupStarted(
            "The group was not cancelled.", why="It has been started.", remedy="Roll it back instead."
        )
    units_recall(group=locked)
    group_ask(locked, now=now, desired=Desired.ROLL_BACK, desired_by_id=actor.user_id)


@transaction.atomic
def group_pause(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Ask for no new round and no new cut-over; what has begun goes on to its end.

    Raises GroupNotStarted and GroupClosed.
    """
    locked = group_lock(group, actor, Right.OPERATE)
    _under_way_check(locked, "The group was not paused.")
    group_ask(locked, now=now, paused=True)


@transaction.atomic
def group_resume(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Let the group go on from where it stands; raises GroupNotStarted and GroupClosed."""
    locked = group_lock(group, actor, Right.OPERATE)
    _under_way_check(locked, "The group was not resumed.")
    group_ask(locked, now=now, paused=False)


def _under_way_check(group: MigrationGroup, what: str) -> None:
    if group.desired == Desired.HOLD:
        raise GroupNotStarted(what, why="It has not started: nothing is under way.", remedy="Start it first.")
    _open_check(group, what)


def _open_check(group: MigrationGroup, what: str) -> None:
    if not group.units.exclude(phase__in=CLOSED).exists():
        raise GroupClosed(
            what,
            why="All of its machines are committed, rolled back or cancelled.",
            remedy="Plan another group for what is still to be moved.",
        )


@transaction.atomic
def budget_update(
    *, group: MigrationGroup, actor: Actor, cutover_budget_bytes: int, rate_limit: int, now: datetime
) -> None:
    """Change what may be left for the cut-over and how fast a machine may be copied, also under way.

    Raises GroupClosed where no round will follow, and QuotaExceeded for more bandwidth than is left.
    """
    locked = group_lock(group, actor, Right.OPERATE)
    what = "The budget and the rate limit were not changed."
    _open_check(locked, what)
    if locked.desired in (Desired.COMMIT, Desired.ROLL_BACK):
        raise GroupClosed(
            what,
            why="Its commit or its way back has been asked for: no round follows.",
            remedy="Set them in the plan of another group.",
        )
    faster = 0 < locked.rate_limit < (rate_limit or UNBOUNDED)
    group_ask(locked, now=now, cutover_budget_bytes=cutover_budget_bytes, rate_limit=rate_limit)
    if faster:  # who slows down, or leaves the line alone, is never refused
        allowance = allowance_hold(tenant_id=locked.tenant_id)
        group_room(group=locked, allowance=allowance, what=what, measures=(Measure.BANDWIDTH,))


@transaction.atomic
def cutover_request(*, group: MigrationGroup, at: datetime, actor: Actor, now: datetime) -> None:
    """Ask for the cut-over at `at`; raises CutoverNotReady unless every machine is ready."""
    locked = group_lock(group, actor, Right.CUT_OVER)
    waiting = _names(locked, lambda phase, was_ready: not was_ready and phase not in CLOSED)
    ready = _names(locked, lambda phase, was_ready: phase in (Phase.READY, Phase.SYNCING) and was_ready)
    if locked.desired != Desired.SYNC or waiting or not ready:
        raise CutoverNotReady(
            "The cut-over was not scheduled.",
            why=f"Not ready: {waiting}." if waiting else "The group has not started, or is past it.",
            remedy="Wait until every machine is ready, or bring back the ones that are not.",
        )
    group_ask(locked, now=now, desired=Desired.CUT_OVER, desired_by_id=actor.user_id, cutover_at=at)


@transaction.atomic
def cutover_withdraw(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Take back a cut-over that has begun for no machine yet; raises CutoverNotReady."""
    locked = group_lock(group, actor, Right.CUT_OVER)
    begun = _names(locked, lambda phase, _: phase not in CLOSED | {Phase.READY, Phase.SYNCING, Phase.FAILED})
    scheduled = locked.desired == Desired.CUT_OVER
    if begun or not scheduled:
        raise CutoverNotReady(
            "The cut-over was not withdrawn.",
            why=f"It has begun for {begun}." if scheduled else "None is scheduled.",
            remedy="Roll back to undo what has begun." if scheduled else "There is nothing to take back.",
        )
    group_ask(locked, now=now, desired=Desired.SYNC, desired_by_id=actor.user_id, cutover_at=None)


_COMMIT_REMEDIES: Mapping[Desired, str] = {
    Desired.HOLD: "Start the group and cut it over first.",
    Desired.SYNC: "Cut it over first.",
    Desired.CUT_OVER: "Wait for the verification, or roll back.",
    Desired.COMMIT: "There is nothing to do: its commit has been asked for already.",
    Desired.ROLL_BACK: "There is nothing to do: its machines run at their sources, or are on their way back.",
}


@transaction.atomic
def commit_request(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Ask for the point of no return; raises CommitNotReady unless every machine waits for it."""
    locked = group_lock(group, actor, Right.CUT_OVER)
    waiting = _names(locked, lambda phase, _: phase not in CLOSED | {Phase.AWAITING_COMMIT})
    ready = _names(locked, lambda phase, _: phase is Phase.AWAITING_COMMIT)
    if waiting or not ready or locked.desired != Desired.CUT_OVER:
        raise CommitNotReady(
            "Nothing was committed.",
            why=f"Not cut over and verified: {waiting}." if waiting else "No machine waits for a commit.",
            remedy=_COMMIT_REMEDIES[Desired(locked.desired)],
        )
    group_ask(locked, now=now, desired=Desired.COMMIT, desired_by_id=actor.user_id)


@transaction.atomic
def rollback_request(*, group: MigrationGroup, actor: Actor, now: datetime) -> None:
    """Ask for every machine to run at its source again; raises RollbackRefused.

    Raises the generations, which fences every command given so far, and lifts a pause.
    """
    locked = group_lock(group, actor, Right.CUT_OVER)
    if locked.desired in (Desired.HOLD, Desired.COMMIT) or not units_recall(group=locked):
        raise RollbackRefused(
            "The group was not rolled back.",
            why="It has not started, is on its way back already, or its commit has been asked for.",
            remedy="A committed machine comes back by a migration the other way.",
        )
    group_ask(
        locked,
        now=now,
        desired=Desired.ROLL_BACK,
        desired_by_id=actor.user_id,
        generation=locked.generation + 1,
        paused=False,
    )


def _names(group: MigrationGroup, wanted: Callable[[Phase, bool], bool]) -> str:
    """Return the names of the machines for which `wanted(phase, was ever ready)` holds, for a person."""
    rows = group.units.values_list("name", "phase", "ready_at").order_by("name")
    return ", ".join(name for name, phase, ready_at in rows if wanted(Phase(phase), ready_at is not None))
