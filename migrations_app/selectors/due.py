"""The tick's question across all tenants."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection


class DueGroup(NamedTuple):
    """A group to reconcile, and the tenant to enter for it."""

    group_id: UUID
    tenant_id: UUID


def groups_due(*, limit: int, now: datetime) -> list[DueGroup]:
    """Return the groups of all tenants whose wake_at has come, longest overdue first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, tenant_id FROM public.due_groups(%s, %s)", [now, limit])
        return [DueGroup(*row) for row in cursor.fetchall()]
