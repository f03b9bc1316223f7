"""API tokens, and how one is found before it is known whose it is."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from portal.lib.rls import across_tenants, grant, tenant_fence
from portal.lib.roles import WEB


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_policies")]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "rights",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
                ("public_id", models.CharField(max_length=16)),
                ("hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("last_address", models.CharField(default="", max_length=45)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "api_token",
                "indexes": [models.Index(fields=["tenant", "-created_at", "-id"], name="api_token_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("public_id",), name="api_token_public_id_once"),
                    models.CheckConstraint(
                        condition=Q(("expires_at__gt", F("created_at"))), name="api_token_expires_later"
                    ),
                ],
            },
        ),
        tenant_fence("api_token"),
        grant("SELECT, INSERT", "api_token", to=[WEB]),
        # What a token is never changes; that it was used, and that it counts no more, does.
        grant("UPDATE (revoked_at, last_used_at, last_address)", "api_token", to=[WEB]),
        across_tenants(
            "token_by_public_id(shown text)",
            returns=(
                "id uuid, tenant_id uuid, user_id bigint, name text, rights text[], hash text,"
                " expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz"
            ),
            body="""
                SELECT t.id, t.tenant_id, t.user_id, t.name::text, t.rights::text[], t.hash::text,
                    t.expires_at, t.revoked_at, t.last_used_at
                FROM public.api_token AS t WHERE t.public_id = shown
            """,
            table="api_token",
            columns="id, tenant_id, user_id, name, rights, hash, public_id, expires_at, revoked_at, last_used_at",
            rows="true",
            to=[WEB],
        ),
    ]
