"""The fences and grants of migration groups, and the tick's way across tenants."""

from django.db import migrations

from portal.lib.rls import across_tenants, grant, provider_reads, tenant_fence
from portal.lib.roles import WEB, WORKER

TABLES = ("migration_group", "migration_unit", "migration_transition")


class Migration(migrations.Migration):
    dependencies = [("migrations_app", "0001_initial"), ("agents", "0003_fences")]

    operations = [
        *(tenant_fence(table) for table in TABLES),
        *(provider_reads(table) for table in TABLES),
        grant("SELECT, INSERT, UPDATE", "migration_group", to=[WEB, WORKER]),
        grant("SELECT, INSERT, UPDATE", "migration_unit", to=[WEB, WORKER]),
        grant("SELECT, INSERT", "migration_transition", to=[WEB, WORKER]),
        across_tenants(
            "due_groups(at timestamptz, most integer)",
            returns="group_id uuid, tenant_id uuid",
            body="""
                SELECT migration_group.id, migration_group.tenant_id FROM public.migration_group
                WHERE wake_at <= at ORDER BY wake_at LIMIT most
            """,
            table="migration_group",
            columns="id, tenant_id, wake_at",
            rows="wake_at IS NOT NULL",
            to=[WORKER],
        ),
    ]
