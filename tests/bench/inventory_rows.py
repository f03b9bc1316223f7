"""The rows that a connector needs before it can report: a tenant, a site, an agent, a watch command."""

import base64
import sys
from datetime import timedelta

import msgspec
from django.utils import timezone

from agents.domain.agent import Duty
from agents.domain.delivery import CommandDraft, CommandKey
from agents.domain.protocol import Endpoint, Step, WatchInventory
from agents.models import Agent, Command, Site
from agents.services import commands_insert
from portal.lib.tenancy import tenant_context
from tenants.models import Person
from tenants.services import tenant_create
from tests.bench.inventory_shapes import Rows, Wanted


def main(_arguments: list[str]) -> int:
    """Make them as the web role, by what stdin says of the vCenter; their ids on stdout."""
    wanted = msgspec.json.decode(sys.stdin.buffer.readline(), type=Wanted)
    owner = Person.objects.create_user(f"{wanted.name}@example.test")
    tenant = tenant_create(name=wanted.name, owner_id=owner.pk)
    with tenant_context(tenant.id):
        site = Site.objects.create(tenant=tenant, name=wanted.name, host=wanted.host, username=wanted.user)
        agent = Agent.objects.create(
            tenant=tenant,
            site=site,
            name="connector",
            duties=[Duty.CONNECTOR.value],
            signing_key=base64.b64decode(wanted.signing_key),
        )
        command = _command(wanted, site, agent)
    rows = Rows(
        tenant=tenant.id,
        site=site.id,
        agent=agent.id,
        command=command.id,
        body=command.body,
        deadline=command.deadline.isoformat(),
    )
    print(msgspec.json.encode(rows).decode(), flush=True)
    return 0


def _command(wanted: Wanted, site: Site, agent: Agent) -> Command:
    """The watch: whole syncs without a pause between them."""
    now = timezone.now()
    endpoint = Endpoint(
        site=site.id,
        host=wanted.host,
        port=wanted.port,
        username=wanted.user,
        sealed_password=wanted.sealed_password,
        fingerprint=wanted.fingerprint,
    )
    key = CommandKey(site.id, site.generation, Step.WATCH_INVENTORY)
    watch = WatchInventory(endpoint=endpoint, resync_s=0)
    draft = CommandDraft(
        key=key,
        agent_id=agent.id,
        seq=1,
        deliver_after=now,
        deadline=now + timedelta(hours=1),
        body={"endpoint": watch.endpoint, "resync_s": watch.resync_s},
    )
    commands_insert(tenant_id=site.tenant_id, drafts=[draft], now=now)
    return Command.objects.get(id=key.command_id)
