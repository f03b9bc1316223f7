"""Indexes of the lists: groups page by page, units by phase."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0007_lists"),
        ("migrations_app", "0002_fences"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="migrationgroup",
            name="migration_group_by_age",
        ),
        migrations.AddIndex(
            model_name="migrationgroup",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="migration_group_by_age"),
        ),
        migrations.AddIndex(
            model_name="migrationgroup",
            index=models.Index(fields=["-created_at", "-id"], name="group_by_age_anywhere"),
        ),
        migrations.AddIndex(
            model_name="migrationunit",
            index=models.Index(fields=["tenant", "phase"], name="migration_unit_by_phase"),
        ),
    ]
