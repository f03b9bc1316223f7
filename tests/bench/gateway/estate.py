"""The portal's side of the bench, in a process of its own: it makes agents, and commands by the services.

One request per line of its input, one JSON object per line of its output.
"""

import base64
import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from agents.domain.delivery import CommandDraft, CommandKey
from agents.models import Agent, Site
from agents.services import commands_insert
from portal.lib.tenancy import tenant_context
from tenants.models import Person, Tenant
from tenants.services import tenant_create

BATCH = 1000


def agents(asked: dict[str, Any]) -> dict[str, Any]:
    """Enrol `count` agents of one tenant; their ids and private keys go to the file `path`."""
    owner = Person.objects.create_user("bench@example.test")
    tenant = tenant_create(name="Bench", owner_id=owner.pk)
    now = timezone.now()
    made, rows = [], []
    with tenant_context(tenant.id):
        site = Site.objects.create(tenant=tenant, name="bench", host="127.0.0.1", username="bench")
        for number in range(asked["count"]):
            key = Ed25519PrivateKey.generate()
            row = Agent(id=uuid4(), tenant=tenant, site=site, name=f"agent {number}", duties=["host"])
            row.signing_key, row.enrolled_at = key.public_key().public_bytes_raw(), now
            rows.append(row)
            made.append([str(row.id), base64.b64encode(key.private_bytes_raw()).decode()])
        Agent.objects.bulk_create(rows, batch_size=BATCH)
    Path(asked["path"]).write_text(json.dumps(made))
    return {"tenant": str(tenant.id)}


def commands(asked: dict[str, Any]) -> dict[str, Any]:
    """Give each of `agents` a command, `pause` seconds apart; return when each was begun to be committed."""
    begun = {}
    for agent in asked["agents"]:
        draft = _draft(UUID(agent))
        begun[str(draft.key.command_id)] = time.monotonic()
        with tenant_context(UUID(asked["tenant"])):
            commands_insert(tenant_id=UUID(asked["tenant"]), drafts=[draft], now=timezone.now())
        time.sleep(asked["pause"])
    return begun


def beats(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the sum of all stored heartbeat numbers."""
    with tenant_context(UUID(asked["tenant"])):
        return {"numbers": {str(id_): n for id_, n in Agent.objects.values_list("id", "heartbeat_number")}}


def _draft(agent: UUID) -> CommandDraft:
    now = timezone.now()
    return CommandDraft(
        key=CommandKey(uuid4(), generation=1, step="validate"),
        agent_id=agent,
        seq=1,
        deliver_after=now,
        deadline=now + timedelta(hours=1),
    )


CALLS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "agents": agents,
    "commands": commands,
    "beats": beats,
}


def main() -> None:
    """Answer until the input ends."""
    Tenant.objects.exists()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(CALLS[asked["call"]](asked)), flush=True)
