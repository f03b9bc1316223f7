"""What is due, across all tenants: ids and the tenant to enter for each."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection


class Due(NamedTuple):
    """A row to look at, and the tenant to enter for it."""

    id: UUID
    tenant_id: UUID


def reports_due(*, limit: int, now: datetime) -> list[Due]:
    """Return the commands that have unapplied reports, oldest first."""
    return _due("SELECT command_id, tenant_id FROM public.due_reports(%s, %s)", now, limit)


def sites_due(*, limit: int, now: datetime) -> list[Due]:
    """Return the sites whose wake_at has come."""
    return _due("SELECT site_id, tenant_id FROM public.due_sites(%s, %s)", now, limit)


def agents_waiting(*, limit: int, now: datetime) -> list[UUID]:
    """Return the agents with a due command."""
    return [row.id for row in _due("SELECT agent_id, tenant_id FROM public.due_commands(%s, %s)", now, limit)]


def offers_of_site(site_id: UUID) -> list[Due]:
    """Return the offers of one of the provider's sites, whichever tenants they are for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT offer_id, tenant_id FROM public.offers_of_site(%s::uuid)", [str(site_id)])
        return [Due(*row) for row in cursor.fetchall()]


def _due(sql: str, now: datetime, limit: int) -> list[Due]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [now, limit])
        return [Due(*row) for row in cursor.fetchall()]
