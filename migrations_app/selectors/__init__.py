"""What others may ask about migration groups; inside a tenant_context but for `groups_due`."""

from migrations_app.selectors.due import DueGroup, groups_due
from migrations_app.selectors.snapshot import group_snapshot

__all__ = ["DueGroup", "group_snapshot", "groups_due"]
