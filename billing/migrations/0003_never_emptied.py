"""What is appended to is not emptied either, by whoever owns it."""

from django.db import migrations

from portal.lib.rls import never_emptied

TABLES = ("entitlement", "meter_event", "price_book_version")


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_fences")]

    operations = [never_emptied(table) for table in TABLES]
