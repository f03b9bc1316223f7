"""The ways across tenants: what the tick, the gateway and enrolment must find before they know whose it is."""

from django.db import migrations

from portal.lib.rls import across_tenants, grant
from portal.lib.roles import GATEWAY, WEB, WORKER


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_fences")]

    operations = [
        grant("DELETE", "report", to=[WORKER]),
        across_tenants(
            "due_commands(at timestamptz, most integer)",
            returns="agent_id uuid, tenant_id uuid",
            body="""
                SELECT DISTINCT command.agent_id, command.tenant_id FROM public.command
                WHERE phase = 'pending' AND deliver_after <= at AND deadline > at LIMIT most
            """,
            table="command",
            columns="agent_id, tenant_id, phase, deliver_after, deadline",
            rows="phase = 'pending'",
            to=[WORKER],
        ),
        across_tenants(
            "commands_for(agent uuid, at timestamptz)",
            returns="tenant_id uuid",
            body="""
                SELECT DISTINCT command.tenant_id FROM public.command
                WHERE agent_id = agent AND phase = 'pending' AND deliver_after <= at AND deadline > at
            """,
            table="command",
            columns="agent_id, tenant_id, phase, deliver_after, deadline",
            rows="phase = 'pending'",
            to=[GATEWAY],
        ),
        across_tenants(
            "command_tenant(command_id uuid, agent uuid)",
            returns="tenant_id uuid",
            body="""
                SELECT command.tenant_id FROM public.command
                WHERE command.id = command_id AND command.agent_id = agent
            """,
            table="command",
            columns="id, agent_id, tenant_id",
            rows="true",
            to=[GATEWAY],
        ),
        across_tenants(
            "due_reports(at timestamptz, most integer)",
            returns="command_id uuid, tenant_id uuid",
            body="""
                SELECT report.command_id, report.tenant_id FROM public.report
                WHERE applied_at IS NULL AND received_at <= at
                GROUP BY report.command_id, report.tenant_id ORDER BY min(received_at) LIMIT most
            """,
            table="report",
            columns="command_id, tenant_id, applied_at, received_at",
            rows="applied_at IS NULL",
            to=[WORKER],
        ),
        across_tenants(
            "due_sites(at timestamptz, most integer)",
            returns="site_id uuid, tenant_id uuid",
            body="""
                SELECT site.id, site.tenant_id FROM public.site
                WHERE wake_at <= at ORDER BY wake_at LIMIT most
            """,
            table="site",
            columns="id, tenant_id, wake_at",
            rows="wake_at IS NOT NULL",
            to=[WORKER],
        ),
        across_tenants(
            "offers_of_site(site uuid)",
            returns="offer_id uuid, tenant_id uuid",
            body="SELECT offer.id, offer.tenant_id FROM public.offer WHERE site_id = site",
            table="offer",
            columns="id, tenant_id, site_id",
            rows="true",
            to=[WEB, WORKER],
        ),
        across_tenants(
            "enrolment_by_hash(hash bytea)",
            returns="enrolment_id uuid, tenant_id uuid",
            body="SELECT enrolment.id, enrolment.tenant_id FROM public.enrolment WHERE token_hash = hash",
            table="enrolment",
            columns="id, tenant_id, token_hash",
            rows="true",
            to=[WEB],
        ),
        across_tenants(
            "agent_by_bearer(hash bytea)",
            returns="agent_id uuid, tenant_id uuid, state text, expires timestamptz, signing_key bytea",
            body="""
                SELECT agent.id, agent.tenant_id, agent.state::text, bearer_expires_at, agent.signing_key
                FROM public.agent WHERE bearer_hash = hash
            """,
            table="agent",
            columns="id, tenant_id, state, bearer_hash, bearer_expires_at, signing_key",
            rows="bearer_hash IS NOT NULL",
            to=[GATEWAY],
        ),
        across_tenants(
            "agent_by_id(agent uuid)",
            returns="agent_id uuid, tenant_id uuid, state text, signing_key bytea",
            body="""
                SELECT agent.id, agent.tenant_id, agent.state::text, agent.signing_key
                FROM public.agent WHERE agent.id = agent_by_id.agent
            """,
            table="agent",
            columns="id, tenant_id, state, signing_key",
            rows="true",
            to=[GATEWAY, WORKER],
        ),
        across_tenants(
            "agents_pulse(ids uuid[])",
            returns="agent_id uuid, state text, last_seen_at timestamptz, fingerprint text, address text",
            body="""
                SELECT agent.id, agent.state::text, agent.last_seen_at, agent.fingerprint::text, agent.address::text
                FROM public.agent WHERE agent.id = ANY (ids)
            """,
            table="agent",
            columns="id, state, last_seen_at, fingerprint, address",
            rows="true",
            to=[WEB, WORKER],
        ),
        across_tenants(
            "heartbeats_apply(ids uuid[], numbers bigint[], seen timestamptz[], versions text[],"
            " addresses text[], abilities jsonb[], skews integer[])",
            returns="agent_id uuid",
            # Coalesced: one row per agent and flush, and a late heartbeat undoes no newer one.
            body="""
                UPDATE public.agent SET
                    heartbeat_number = beat.number, last_seen_at = beat.at, version = beat.version,
                    address = beat.address, capabilities = beat.ability, clock_skew_ms = beat.skew
                FROM unnest(ids, numbers, seen, versions, addresses, abilities, skews)
                    AS beat (id, number, at, version, address, ability, skew)
                WHERE agent.id = beat.id AND agent.heartbeat_number < beat.number AND agent.state = 'enrolled'
                RETURNING agent.id
            """,
            table="agent",
            columns="id, state, heartbeat_number",
            rows="true",
            updates="heartbeat_number, last_seen_at, version, address, capabilities, clock_skew_ms",
            to=[GATEWAY],
        ),
    ]
