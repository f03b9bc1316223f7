"""Uploaded inventories, with their fences and grants."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

from portal.lib.rls import grant, provider_reads, tenant_fence
from portal.lib.roles import WEB


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0007_lists"),
        ("tenants", "0003_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="InventoryUpload",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("kept", models.BooleanField(default=False)),
                ("file_name", models.CharField(max_length=255)),
                ("sha256", models.CharField(max_length=64)),
                ("uploaded_at", models.DateTimeField()),
                ("uploaded_by", models.CharField(default="", max_length=254)),
                ("vcenter", models.CharField(default="", max_length=255)),
                ("faults", models.JSONField(default=list)),
                ("faulty", models.PositiveIntegerField(default=0)),
                ("missing_names", models.JSONField(default=list)),
                ("missing", models.PositiveIntegerField(default=0)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agents.site"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "inventory_upload",
            },
        ),
        migrations.CreateModel(
            name="UploadedMachine",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=255)),
                ("moid", models.CharField(default="", max_length=64)),
                ("power", models.CharField(max_length=16)),
                ("template", models.BooleanField(default=False)),
                ("cpus", models.PositiveIntegerField(default=0)),
                ("memory_mib", models.PositiveIntegerField(default=0)),
                ("provisioned_bytes", models.PositiveBigIntegerField(default=0)),
                ("used_bytes", models.PositiveBigIntegerField(default=0)),
                ("host", models.CharField(default="", max_length=255)),
                ("cluster", models.CharField(default="", max_length=255)),
                ("guest", models.CharField(default="", max_length=255)),
                ("disks", models.JSONField(default=list)),
                ("change", models.CharField(default="new", max_length=8)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "upload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="machines",
                        to="agents.inventoryupload",
                    ),
                ),
            ],
            options={
                "db_table": "uploaded_machine",
            },
        ),
        migrations.AddConstraint(
            model_name="inventoryupload",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kept", True)), fields=("site",), name="inventory_upload_one_kept"
            ),
        ),
        migrations.AddConstraint(
            model_name="inventoryupload",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kept", False)), fields=("site",), name="inventory_upload_one_preview"
            ),
        ),
        migrations.AddIndex(
            model_name="uploadedmachine",
            index=models.Index(fields=["tenant", "upload", "name", "id"], name="uploaded_machine_by_name"),
        ),
        migrations.AddIndex(
            model_name="uploadedmachine",
            index=models.Index(
                fields=["tenant", "upload", "used_bytes", "id"], name="uploaded_machine_by_size"
            ),
        ),
        migrations.AddConstraint(
            model_name="uploadedmachine",
            constraint=models.CheckConstraint(
                condition=models.Q(("change__in", ["new", "changed", "same", "missing"])),
                name="uploaded_machine_change_known",
            ),
        ),
        tenant_fence("inventory_upload"),
        tenant_fence("uploaded_machine"),
        provider_reads("inventory_upload"),
        provider_reads("uploaded_machine"),
        grant("SELECT, INSERT, DELETE, UPDATE (kept)", "inventory_upload", to=[WEB]),
        grant("SELECT, INSERT, DELETE", "uploaded_machine", to=[WEB]),
    ]
