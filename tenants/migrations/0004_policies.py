"""Policies and standings: the provider's rows, and what a tenant may read of its own."""

import uuid
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from portal.lib.rls import (
    across_tenants,
    append_only,
    grant,
    never_emptied,
    provider_reads,
    tenant_fence,
    undone,
)
from portal.lib.roles import WEB, WORKER

MEASURES = ("moving", "machines", "bytes", "bandwidth", "sites", "agents", "people")
LIMITS = [f"{measure}_{end}" for measure in MEASURES for end in ("soft", "hard")]


def _id() -> tuple[str, Any]:
    return "id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)


def _tenant() -> tuple[str, Any]:
    tenant = models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.tenant"
    )
    return "tenant", tenant


def _person(name: str, *, keep: bool) -> tuple[str, Any]:
    end = django.db.models.deletion.PROTECT if keep else django.db.models.deletion.SET_NULL
    return name, models.ForeignKey(
        null=not keep, on_delete=end, related_name="+", to=settings.AUTH_USER_MODEL
    )


def _warns_first(measure: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{measure}_soft__isnull": True})
        | Q(**{f"{measure}_hard__isnull": True})
        | Q(**{f"{measure}_soft__lte": F(f"{measure}_hard")}),
        name=f"policy_{measure}_warns_first",
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_people")]

    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                _id(),
                ("name", models.CharField(max_length=200)),
                ("contact", models.CharField(default="", max_length=200)),
                ("is_default", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1)),
                ("changed_at", models.DateTimeField()),
                ("migration_in", models.BooleanField(default=True)),
                *((name, models.PositiveBigIntegerField(null=True)) for name in LIMITS),
                _person("changed_by", keep=False),
                _tenant(),
            ],
            options={
                "db_table": "policy",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "name"), name="policy_name_once"),
                    models.UniqueConstraint(
                        condition=Q(("is_default", True)), fields=("tenant",), name="policy_one_default"
                    ),
                    *(_warns_first(measure) for measure in MEASURES),
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingChange",
            fields=[
                _id(),
                ("from_standing", models.CharField(max_length=16)),
                ("to_standing", models.CharField(max_length=16)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                _person("by", keep=True),
                _tenant(),
            ],
            options={
                "db_table": "standing_change",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(("to_standing__in", ["active", "suspended", "closed"])),
                        name="standing_change_known",
                    )
                ],
                "indexes": [models.Index(fields=["tenant", "-at"], name="standing_change_by_time")],
            },
        ),
        migrations.AddField(
            model_name="tenant",
            name="policy",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenants.policy",
            ),
        ),
        migrations.AddField("tenant", "policy_since", models.DateTimeField(null=True)),
        migrations.AddField("tenant", "standing", models.CharField(default="active", max_length=16)),
        migrations.AddField("tenant", "standing_since", models.DateTimeField(null=True)),
        migrations.AddField("tenant", "standing_reason", models.TextField(default="")),
        migrations.AddField("tenant", "erased_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "tenant",
            models.CheckConstraint(
                condition=Q(("standing__in", ["active", "suspended", "closed"])), name="tenant_standing_known"
            ),
        ),
        migrations.AddConstraint(
            "tenant",
            models.CheckConstraint(
                condition=Q(("kind", "customer"), ("standing", "active"), _connector="OR"),
                name="tenant_provider_is_active",
            ),
        ),
        migrations.AddConstraint(
            "tenant",
            models.CheckConstraint(
                condition=Q(("erased_at__isnull", True), ("standing", "closed"), _connector="OR"),
                name="tenant_erased_is_closed",
            ),
        ),
        tenant_fence("policy"),
        provider_reads("policy"),
        grant("SELECT, INSERT, UPDATE", "policy", to=[WEB]),
        tenant_fence("standing_change"),
        provider_reads("standing_change"),
        grant("SELECT, INSERT", "standing_change", to=[WEB]),
        append_only("standing_change"),
        never_emptied("standing_change"),
        across_tenants(
            "policy_for(wanted uuid)",
            returns="id uuid, name text, contact text, migration_in boolean, "
            + ", ".join(f"{name} bigint" for name in LIMITS),
            body=f"""
                SELECT policy.id, policy.name::text, policy.contact::text, policy.migration_in,
                    {", ".join(f"policy.{name}" for name in LIMITS)}
                FROM public.policy
                WHERE policy.id = wanted OR (wanted IS NULL AND policy.is_default)
            """,  # noqa: S608  our own names
            table="policy",
            columns=f"id, name, contact, is_default, migration_in, {', '.join(LIMITS)}",
            rows="true",
            to=[WEB, WORKER],
        ),
        # A person's own organisations, now with their standing: no page has to ask for it.
        undone(
            across_tenants(
                "tenant_names(ids uuid[])",
                returns="tenant_id uuid, name text, kind text",
                body="SELECT tenant.id, tenant.name::text, tenant.kind::text FROM public.tenant WHERE id = ANY (ids)",
                table="tenant",
                columns="id, name, kind",
                rows="true",
                to=[WEB, WORKER],
            )
        ),
        across_tenants(
            "tenant_names(ids uuid[])",
            returns="tenant_id uuid, name text, kind text, standing text, reason text",
            body="""
                SELECT tenant.id, tenant.name::text, tenant.kind::text, tenant.standing::text, standing_reason
                FROM public.tenant WHERE id = ANY (ids)
            """,
            table="tenant",
            columns="id, name, kind, standing, standing_reason",
            rows="true",
            to=[WEB, WORKER],
        ),
    ]
