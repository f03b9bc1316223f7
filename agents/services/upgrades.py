"""Asking agents to take the release that the portal serves: a command as any other, one open per agent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from agents.domain.agent import AgentState
from agents.domain.delivery import OPEN, CommandDraft, CommandKey, CommandPhase
from agents.domain.protocol import Step
from agents.models import Agent, Command
from agents.selectors.releases import Release, release_served
from agents.services.commands import CommandBusy, CommandClash, command_close, commands_insert
from portal.lib.live import publish
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right

UPGRADE_FOR = timedelta(hours=24)
"""How long an agent waits for a moment at which it moves nothing, or the portal for the agent."""
GENERATION = 1
AT_ONCE_MAX = 500


class ReleaseMissing(Refusal):
    """The portal has no release of the agent to offer."""

    code = "REL-08"


class UpgradeRefused(Refusal):
    """The agent cannot be upgraded from here, or has no need to be."""

    code = "REL-09"


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking one of several agents: why not, or nothing."""

    agent: Agent
    refusal: Refusal | None = None


def release_need() -> Release:
    """Return the release that the portal serves. Raises ReleaseMissing."""
    release = release_served()
    if release is None:
        raise ReleaseMissing(
            "The portal has no release of the agent to offer.",
            why="Its folder is empty or cannot be read.",
            remedy="Ask the provider to put a signed release there (operations.md, Releases of the agent).",
        )
    return release


@transaction.atomic
def agent_upgrade(*, agent: Agent, actor: Actor, now: datetime) -> None:
    """Ask one agent to take the release that the portal serves. Raises ReleaseMissing and UpgradeRefused."""
    actor.require(Right.MANAGE_SITES)
    _ask(Agent.objects.visible_to(actor).get(id=agent.id), release_need(), now)


@transaction.atomic
def agents_upgrade(*, agents: Sequence[Agent], actor: Actor, now: datetime) -> list[Asked]:
    """Ask several of the organisation's own; return what became of each. Raises ReleaseMissing."""
    actor.require(Right.MANAGE_SITES)
    release = release_need()
    wanted = [agent.id for agent in agents[:AT_ONCE_MAX]]
    rows = Agent.objects.visible_to(actor).filter(id__in=wanted).order_by("name", "id")
    return [_tried(own, release, now) for own in rows]


@transaction.atomic
def agents_upgrade_everywhere(*, agents: Sequence[Agent], actor: Actor, now: datetime) -> list[Asked]:
    """Ask agents of any tenants, as the provider; return what became of each. Raises ReleaseMissing."""
    actor.require(Right.PROVIDER_MANAGE)
    release = release_need()
    told = []
    for agent in agents[:AT_ONCE_MAX]:
        with tenant_context(agent.tenant_id):
            told.append(_tried(Agent.objects.get(id=agent.id), release, now))
    return told


def _tried(agent: Agent, release: Release, now: datetime) -> Asked:
    try:
        with transaction.atomic():
            _ask(agent, release, now)
    except UpgradeRefused as refusal:
        return Asked(agent, refusal)
    return Asked(agent)


def _ask(agent: Agent, release: Release, now: datetime) -> None:
    _fit(agent, release)
    last = Command.objects.filter(unit_id=agent.id, generation=GENERATION).order_by("-seq").first()
    if last is not None and last.phase in OPEN:
        _expire(agent, last, now)
    seq = last.seq + 1 if last else 1
    draft = CommandDraft(
        key=CommandKey(agent.id, GENERATION, Step.UPGRADE, seq),
        agent_id=agent.id,
        seq=seq,
        deliver_after=now,
        deadline=now + UPGRADE_FOR,
        body={"version": release.version},
    )
    try:
        commands_insert(tenant_id=agent.tenant_id, drafts=[draft], now=now)
    except CommandClash as error:  # somebody else asked it at the same moment
        raise _asked_already(agent) from error
    publish("agents", tenant_id=agent.tenant_id)


def _fit(agent: Agent, release: Release) -> None:
    what = f"{agent.name} was not asked to upgrade."
    if agent.state != AgentState.ENROLLED:
        raise UpgradeRefused(what, why="It is revoked.", remedy="Enrol a new agent on that host.")
    if not agent.capabilities.get("upgrade"):
        raise UpgradeRefused(
            what,
            why="It was not put on its host by the installer, or by an older one.",
            remedy="Run the install command on its host; the provider's connectors come with the portal.",
        )
    if not release.is_newer_than(agent.version):
        raise UpgradeRefused(
            what,
            why=f"It runs {agent.version}, and the portal offers {release.version}.",
            remedy="Nothing to do.",
        )


def _expire(agent: Agent, command: Command, now: datetime) -> None:
    """Close an upgrade that was not taken in its time, so that another may follow. Raises UpgradeRefused."""
    if command.deadline > now:
        raise _asked_already(agent)
    try:
        command_close(command_id=command.id, to=CommandPhase.EXPIRED, why="its day is over.", now=now)
    except CommandBusy as error:
        raise _asked_already(agent) from error


def _asked_already(agent: Agent) -> UpgradeRefused:
    return UpgradeRefused(
        f"{agent.name} was not asked again.",
        why="It has been asked already, and takes the release at a moment when it moves nothing.",
        remedy="Wait; its last word stands in the list.",
    )
