"""What a second factor and the list of sessions need; and an organisation may ask for the former."""

from django.db import migrations, models
from django.db.migrations import RunSQL

from portal.lib.rls import across_tenants, grant
from portal.lib.roles import WEB, WORKER

_ALL = "SELECT, INSERT, UPDATE, DELETE"
# As 0004_policies made it: what every request asks of its person's organisations. It now tells one thing more.
_BEFORE = across_tenants(
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
)


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_tokens"),
        ("mfa", "__latest__"),
        ("usersessions", "__latest__"),
    ]

    operations = [
        # Both belong to people and not to tenants, as sessions and passwords do.
        # A session from before is on no list, so that nobody could end it: everybody signs in anew.
        RunSQL("DELETE FROM django_session", RunSQL.noop),
        grant(_ALL, "mfa_authenticator, usersessions_usersession", to=[WEB]),
        migrations.AddField(
            model_name="tenant",
            name="second_factor_required",
            field=models.BooleanField(default=False, db_default=False),
        ),
        RunSQL(_BEFORE.reverse_sql, _BEFORE.sql),
        across_tenants(
            "tenant_names(ids uuid[])",
            returns=(
                "tenant_id uuid, name text, kind text, standing text, reason text, second_factor boolean"
            ),
            body="""
                SELECT tenant.id, tenant.name::text, tenant.kind::text, tenant.standing::text,
                    standing_reason, tenant.second_factor_required
                FROM public.tenant WHERE id = ANY (ids)
            """,
            table="tenant",
            columns="id, name, kind, standing, standing_reason, second_factor_required",
            rows="true",
            to=[WEB, WORKER],
        ),
    ]
