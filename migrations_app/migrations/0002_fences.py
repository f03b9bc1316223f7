"""The fences and grants of migration groups, and the tick's way across tenants."""

from django.db import migrations

from portal.lib.rls import across_tenants, grant, provider_reads, tenant_fence
from portal.lib.roles import WEB, WORKER

TABLES = ("migration_group", "boot_tier", "migration_unit", "migration_round", "migration_transition")


class Migration(migrations.Migration):
    dependencies = [("migrations_app", "0001_initial"), ("agents", "0003_fences")]

    operations = [
        *(tenant_fence(table) for table in TABLES),
        *(provider_reads(table) for table in TABLES),
        *(grant("SELECT, INSERT, UPDATE", table, to=[WEB, WORKER]) for table in TABLES[:3]),
        # Plans change until they start; what has started is never deleted, see services.
        grant("DELETE", "boot_tier", to=[WEB]),
        grant("DELETE", "migration_unit", to=[WEB]),
        grant("SELECT, INSERT", "migration_round", to=[WEB, WORKER]),
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
