"""What the gateway asks every few seconds for all the agents it holds at once."""

from django.db import migrations, models
from django.db.models import Q

from portal.lib.rls import across_tenants, grant
from portal.lib.roles import GATEWAY


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_disks_gone")]

    operations = [
        migrations.AddIndex(
            model_name="agent",
            index=models.Index(
                fields=["revoked_at"], condition=Q(revoked_at__isnull=False), name="agent_revoked"
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                fields=["agent", "deliver_after"], condition=Q(phase="pending"), name="command_due_by_agent"
            ),
        ),
        # Heartbeats rewrite all rows for ever: room on each page spares the indexes (HOT).
        migrations.RunSQL("ALTER TABLE agent SET (fillfactor = 60)", "ALTER TABLE agent RESET (fillfactor)"),
        # A session that is refused for its clock says by how much.
        grant("UPDATE (clock_skew_ms)", "agent", to=[GATEWAY]),
        across_tenants(
            "agents_revoked(since timestamptz)",
            returns="agent_id uuid",
            body="SELECT agent.id FROM public.agent WHERE revoked_at >= since",
            table="agent",
            columns="id, revoked_at",
            rows="revoked_at IS NOT NULL",
            to=[GATEWAY],
        ),
        across_tenants(
            "agents_due(ids uuid[], at timestamptz)",
            returns="agent_id uuid",
            body="""
                SELECT DISTINCT command.agent_id FROM public.command
                WHERE agent_id = ANY (ids) AND phase = 'pending' AND deliver_after <= at AND deadline > at
            """,
            table="command",
            columns="agent_id, phase, deliver_after, deadline",
            rows="phase = 'pending'",
            to=[GATEWAY],
        ),
    ]
