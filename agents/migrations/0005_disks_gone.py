"""Disks that vanish are marked gone like everything else, and nobody may delete one."""

from django.db import migrations, models
from django.db.models import Q

from portal.lib.rls import revoke
from portal.lib.roles import WORKER


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_across")]

    operations = [
        migrations.AddField("virtualdisk", "gone_at", models.DateTimeField(null=True)),
        migrations.RemoveConstraint("virtualdisk", "virtual_disk_number_once"),
        migrations.AddConstraint(
            "virtualdisk",
            models.UniqueConstraint(fields=["machine", "key"], name="virtual_disk_key_once"),
        ),
        migrations.AddConstraint(
            "virtualdisk",
            models.UniqueConstraint(
                fields=["machine", "number"],
                condition=Q(gone_at__isnull=True),
                name="virtual_disk_number_once",
            ),
        ),
        revoke("DELETE", "virtual_disk", to=[WORKER]),
    ]
