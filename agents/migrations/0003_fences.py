"""The fences and grants of everything at the far end of a wire."""

from django.db import migrations

from portal.lib.rls import grant, provider_reads, tenant_fence
from portal.lib.roles import GATEWAY, WEB, WORKER

TABLES = (
    "site",
    "offer",
    "cluster",
    "host",
    "datastore",
    "network",
    "virtual_machine",
    "virtual_disk",
    "agent",
    "enrolment",
    "command",
    "report",
)


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_initial"), ("tenants", "0002_fences")]

    operations = [
        *(tenant_fence(table) for table in TABLES),
        *(provider_reads(table) for table in TABLES),
        *(grant("SELECT, INSERT, UPDATE", table, to=[WEB, WORKER]) for table in TABLES if table != "report"),
        grant("SELECT, INSERT, UPDATE (applied_at)", "report", to=[WEB, WORKER]),
        grant("DELETE", "virtual_disk", to=[WORKER]),
        # The gateway leases commands and stores reports; it cannot make, rewrite or end a command.
        grant("SELECT, UPDATE (last_seen_at, bearer_hash, bearer_expires_at)", "agent", to=[GATEWAY]),
        grant("SELECT, UPDATE (deliver_after, deliveries)", "command", to=[GATEWAY]),
        grant("SELECT, INSERT", "report", to=[GATEWAY]),
    ]
