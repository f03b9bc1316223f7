"""What others may ask about migration groups; inside a tenant_context but for `groups_due`."""

from migrations_app.selectors.due import DueGroup, groups_due
from migrations_app.selectors.groups import (
    GroupFilter,
    board,
    group_detail,
    group_rows,
    groups_found,
    groups_page,
)
from migrations_app.selectors.history import group_history, unit_commands, unit_history, unit_of_group
from migrations_app.selectors.preflight import preflight
from migrations_app.selectors.rows import (
    CommandRow,
    ConditionRow,
    DiskRow,
    EventRow,
    GroupDetail,
    GroupPage,
    GroupRow,
    LiveRow,
    MoveRow,
    RoundRow,
    TierRow,
    UnitRow,
)
from migrations_app.selectors.snapshot import group_snapshot
from migrations_app.selectors.units import unit_rows

__all__ = [
    "CommandRow",
    "ConditionRow",
    "DiskRow",
    "DueGroup",
    "EventRow",
    "GroupDetail",
    "GroupFilter",
    "GroupPage",
    "GroupRow",
    "LiveRow",
    "MoveRow",
    "RoundRow",
    "TierRow",
    "UnitRow",
    "board",
    "group_detail",
    "group_history",
    "group_rows",
    "group_snapshot",
    "groups_due",
    "groups_found",
    "groups_page",
    "preflight",
    "unit_commands",
    "unit_history",
    "unit_of_group",
    "unit_rows",
]
