"""The fences and grants of money, and the triggers that keep what is written."""

from django.db import migrations

from portal.lib.rls import append_only, grant, provider_reads, tenant_fence
from portal.lib.roles import WEB, WORKER

TABLES = ("billing_identity", "entitlement", "meter_event", "chain_head", "price_book", "price_book_version")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("tenants", "0002_fences")]

    operations = [
        *(tenant_fence(table) for table in TABLES),
        *(provider_reads(table) for table in TABLES),
        *(grant("SELECT", table, to=[WEB, WORKER]) for table in TABLES),
        # To lock a row one must be able to update it: the name is all that may change of an identity.
        grant("INSERT, UPDATE (name)", "billing_identity", to=[WORKER]),
        grant("INSERT", "entitlement", to=[WORKER]),
        grant("INSERT", "meter_event", to=[WORKER]),
        grant("INSERT, UPDATE (number, hash)", "chain_head", to=[WORKER]),
        grant("INSERT, UPDATE (name)", "price_book", to=[WEB]),
        grant("INSERT", "price_book_version", to=[WEB]),
        *(append_only(table) for table in ("entitlement", "meter_event", "price_book_version")),
    ]
