"""The fences and grants of organisations, and the two ways to look across them."""

from django.db import migrations

from portal.lib.rls import across_tenants, grant, provider_reads, tenant_fence
from portal.lib.roles import LOGINS, WEB, WORKER


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        tenant_fence("tenant", column="id"),
        tenant_fence("membership"),
        provider_reads("tenant"),
        provider_reads("membership"),
        grant("SELECT, INSERT, UPDATE", "tenant", to=[WEB, WORKER]),
        grant("SELECT, INSERT, UPDATE, DELETE", "membership", to=[WEB, WORKER]),
        grant("SELECT, INSERT, UPDATE", "person", to=[WEB]),
        grant("SELECT", "person", to=[WORKER]),
        grant("SELECT", "django_content_type, auth_permission", to=[WEB, WORKER]),
        # Django touches a person's groups and permissions when it deletes or checks one.
        grant("SELECT, DELETE", "person_groups, person_user_permissions", to=[WEB]),
        # Every process checks at its start that the schema is the one it was written for.
        grant("SELECT", "django_migrations", to=LOGINS),
        across_tenants(
            "memberships_of(person bigint)",
            returns="tenant_id uuid, role text",
            body="SELECT membership.tenant_id, membership.role::text FROM public.membership WHERE user_id = person",
            table="membership",
            columns="tenant_id, user_id, role",
            rows="true",
            to=[WEB],
        ),
        across_tenants(
            "tenant_names(ids uuid[])",
            returns="tenant_id uuid, name text, kind text",
            body="SELECT tenant.id, tenant.name::text, tenant.kind::text FROM public.tenant WHERE id = ANY (ids)",
            table="tenant",
            columns="id, name, kind",
            rows="true",
            to=[WEB, WORKER],
        ),
    ]
