"""What people ask of migration groups, and what a reconcile writes."""

from migrations_app.services.apply import group_abort, unit_apply
from migrations_app.services.closing import TenantBusy, tenant_close
from migrations_app.services.locking import group_changed, group_wake
from migrations_app.services.plan import (
    Plan,
    PlannedMachine,
    PlannedTier,
    group_create,
    group_update,
    tiers_update,
)
from migrations_app.services.refusals import (
    CommitNotReady,
    ConfirmationWrong,
    CutoverNotReady,
    GroupClosed,
    GroupNotStarted,
    GroupStarted,
    NameTaken,
    NothingToAccept,
    PlanInvalid,
    PreflightFailed,
    RetryRefused,
    RollbackRefused,
)
from migrations_app.services.requests import (
    budget_update,
    commit_request,
    cutover_request,
    cutover_withdraw,
    group_cancel,
    group_pause,
    group_resume,
    group_start,
    rollback_request,
)
from migrations_app.services.room import moving_room
from migrations_app.services.tickets import tickets_add
from migrations_app.services.units import (
    destination_declared_off,
    unit_retry,
    unit_rollback,
    unverified_accept,
)

__all__ = [
    "CommitNotReady",
    "ConfirmationWrong",
    "CutoverNotReady",
    "GroupClosed",
    "GroupNotStarted",
    "GroupStarted",
    "NameTaken",
    "NothingToAccept",
    "Plan",
    "PlanInvalid",
    "PlannedMachine",
    "PlannedTier",
    "PreflightFailed",
    "RetryRefused",
    "RollbackRefused",
    "TenantBusy",
    "budget_update",
    "commit_request",
    "cutover_request",
    "cutover_withdraw",
    "destination_declared_off",
    "group_abort",
    "group_cancel",
    "group_changed",
    "group_create",
    "group_pause",
    "group_resume",
    "group_start",
    "group_update",
    "group_wake",
    "moving_room",
    "rollback_request",
    "tenant_close",
    "tickets_add",
    "tiers_update",
    "unit_apply",
    "unit_retry",
    "unit_rollback",
    "unverified_accept",
]
