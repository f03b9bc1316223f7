"""Keeps one watcher at work on every site; inside a tenant_context."""

import base64
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from agents.domain.agent import AgentState
from agents.domain.delivery import CommandDraft, CommandKey, CommandPhase
from agents.domain.inventory import REASON_MAX
from agents.domain.protocol import Endpoint, Step, WatchInventory
from agents.domain.site import SITE_CODES
from agents.domain.watching import WATCH_FOR, SiteView, WatchDecision, WatcherView, watch_decide
from agents.models import Command, Site
from agents.services.commands import CommandBusy, command_close, commands_insert, commands_supersede
from portal.lib.live import publish
from portal.lib.queue import enqueue


def endpoint_of(site: Site) -> Endpoint:
    """Return the site's vCenter as its connector needs it: the password still sealed."""
    return Endpoint(
        site=site.id,
        host=site.host,
        port=site.port,
        username=site.username,
        sealed_password=base64.b64encode(bytes(site.sealed_password)).decode(),
        fingerprint=site.fingerprint,
    )


def site_wake(*, site_id: UUID, now: datetime) -> None:
    """Make the site due: the row is the guarantee, the task a hint."""
    for site in Site.objects.filter(id=site_id):
        Site.objects.filter(id=site.id).update(wake_at=now)
        enqueue("agents.site_reconcile", site_id=site.id, tenant_id=site.tenant_id)


@transaction.atomic
def site_reconcile(*, site_id: UUID, now: datetime) -> bool:
    """Bring the site's watcher to what it should be; return whether it was looked at."""
    site = Site.objects.select_for_update(skip_locked=True, of=("self",)).filter(id=site_id).first()
    if site is None:
        return False
    decision = watch_decide(_view(site, now), now)
    try:
        _commands(site, decision, now)
    except CommandBusy:
        return False
    _write(site, decision, now)
    return True


def _view(site: Site, now: datetime) -> SiteView:
    connector = site.connector
    ready = connector is not None and connector.state == AgentState.ENROLLED and bool(site.sealed_password)
    latest = Command.objects.filter(unit_id=site.id, generation=site.generation).order_by("-seq").first()
    return SiteView(ready=ready, halted=site.halted, watcher=_watcher(latest) if latest else None)


def _watcher(command: Command) -> WatcherView:
    begun = command.deadline - WATCH_FOR
    return WatcherView(
        round=command.round,
        attempt=command.attempt,
        seq=command.seq,
        phase=CommandPhase(command.phase),
        deadline=command.deadline,
        code=str(command.result.get("code", "")),
        why=" ".join(str(command.result.get(part, "")) for part in ("what", "why")).strip()[:REASON_MAX],
        ran_for=max(command.phase_since - begun, timedelta()),
    )


def _commands(site: Site, decision: WatchDecision, now: datetime) -> None:
    commands_supersede(unit_id=site.id, below=site.generation, now=now)
    if decision.expire:
        for command in Command.objects.filter(unit_id=site.id, phase__in=("pending", "accepted")):
            command_close(command_id=command.id, to=CommandPhase.EXPIRED, why="its day is over.", now=now)
    if decision.issue is None or decision.deliver_after is None or site.connector_id is None:
        return
    round_, attempt, seq = decision.issue
    draft = CommandDraft(
        key=CommandKey(site.id, site.generation, Step.WATCH_INVENTORY, round_, attempt),
        agent_id=site.connector_id,
        seq=seq,
        deliver_after=decision.deliver_after,
        deadline=decision.deliver_after + WATCH_FOR,
        body=_body(site),
    )
    commands_insert(tenant_id=site.tenant_id, drafts=[draft], now=now)


def _body(site: Site) -> dict[str, object]:
    body = WatchInventory(endpoint=endpoint_of(site))
    return {"endpoint": body.endpoint, "resync_s": body.resync_s}


def _write(site: Site, decision: WatchDecision, now: datetime) -> None:
    changes: dict[str, object] = {"wake_at": decision.wake_at}
    if decision.state is not None:
        changes["state_reason"] = decision.reason
        changes["state_code"] = SITE_CODES.get(decision.state, "")
        if decision.state != site.state:
            changes |= {"state": decision.state.value, "state_since": now}
    if decision.halt:
        changes["halted"] = True
    Site.objects.filter(id=site.id).update(**changes)
    publish(f"site:{site.id}", tenant_id=site.tenant_id)
