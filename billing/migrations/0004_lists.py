"""Indexes of the lists: usage page by page, and the price that holds at a moment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_never_emptied"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="meterevent",
            name="meter_event_by_time",
        ),
        migrations.AddIndex(
            model_name="meterevent",
            index=models.Index(fields=["tenant", "-occurred_at", "-id"], name="meter_event_by_time"),
        ),
        migrations.AddIndex(
            model_name="meterevent",
            index=models.Index(fields=["-occurred_at", "-id"], name="meter_event_anywhere"),
        ),
        migrations.AddIndex(
            model_name="pricebookversion",
            index=models.Index(fields=["tenant", "-effective_from"], name="price_version_by_time"),
        ),
    ]
