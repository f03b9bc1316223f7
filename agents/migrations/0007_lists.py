"""Indexes of the lists: commands by time, machines by size."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0006_gateway_sweeps"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="command",
            index=models.Index(fields=["tenant", "-phase_since", "-id"], name="command_by_time"),
        ),
        migrations.AddIndex(
            model_name="virtualmachine",
            index=models.Index(
                condition=models.Q(("gone_at__isnull", True)),
                fields=["tenant", "disk_bytes", "id"],
                name="virtual_machine_by_size",
            ),
        ),
    ]
