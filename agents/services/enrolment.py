"""How an agent comes in and is put out: a one-off key, its own keys, a certificate; revocation."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from agents.domain.agent import AgentState, Duty
from agents.domain.protocol import BEARER_LIFETIME_S
from agents.models import Agent, Enrolment, Site
from agents.services.room import agent_room, key_room
from agents.services.watching import site_wake
from portal.lib.keys import portal_keys
from portal.lib.live import publish, revoked
from portal.lib.queue import enqueue
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right
from tenants.services import allowance_hold

TOKEN_LIFETIME = timedelta(hours=24)
TOKEN_PREFIX = "enr_"  # noqa: S105  what people see at its front
KEY_LENGTH = 32


class EnrolmentExpired(Refusal):
    """The one-off key is too old."""

    code = "ENR-01"
    status = 410


class EnrolmentUsed(Refusal):
    """The one-off key has let an agent in already."""

    code = "ENR-02"


class EnrolmentRefused(Refusal):
    """No such key, a revoked one, or an agent whose own keys are none: the caller learns nothing else."""

    code = "ENR-03"
    status = 403


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What an agent says of itself when it enrols; keys are raw."""

    name: str
    host_name: str
    duties: Sequence[str]
    signing_key: bytes
    sealing_key: bytes
    version: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an agent learns when it is let in."""

    agent_id: UUID
    site_id: UUID
    certificate: str
    authority: str
    portal_key: str
    bearer: str
    bearer_expires: datetime


@transaction.atomic
def enrolment_create(*, site: Site, actor: Actor, now: datetime) -> tuple[Enrolment, str]:
    """Return a one-off key for the site and its text, which is shown once and never stored.

    Raises QuotaExceeded and TenantSuspended.
    """
    actor.require(Right.MANAGE_SITES)
    own = Site.objects.visible_to(actor).get(id=site.id)
    key_room(tenant_id=own.tenant_id, what="The install key was not made.", now=now)
    token = TOKEN_PREFIX + secrets.token_urlsafe(KEY_LENGTH)
    enrolment = Enrolment.objects.create(
        tenant_id=own.tenant_id,
        site=own,
        token_hash=_hash(token),
        created_at=now,
        created_by_id=actor.user_id,
        expires_at=now + TOKEN_LIFETIME,
    )
    return enrolment, token


@transaction.atomic
def enrolment_revoke(*, enrolment: Enrolment, actor: Actor, now: datetime) -> None:
    """Make the key worthless."""
    actor.require(Right.MANAGE_SITES)
    own = Enrolment.objects.visible_to(actor).filter(id=enrolment.id, used_at=None)
    own.update(revoked_at=now)


def agent_enrol(*, token: str, newcomer: Newcomer, now: datetime) -> Enrolled:
    """Let an agent in, once per key. Raises EnrolmentExpired, EnrolmentUsed and EnrolmentRefused.

    The same agent, told by its keys, that lost the answer gets it again. Raises QuotaExceeded and
    TenantSuspended, too; the key is not spent then.
    """
    if len(newcomer.signing_key) != KEY_LENGTH or len(newcomer.sealing_key) != KEY_LENGTH:
        raise EnrolmentRefused(
            "The agent's own keys are malformed.",
            why=f"A key has {KEY_LENGTH} bytes. The install key is not spent.",
            remedy="Reinstall the agent by the install command of the site's page.",
        )
    found = _enrolment_find(token)
    if found is None:
        raise _refused("This install key is not known.")
    enrolment_id, tenant_id = found
    with tenant_context(tenant_id):
        allowance_hold(tenant_id=tenant_id)  # before the key: who closes the organisation revokes its keys
        enrolment = (
            Enrolment.objects.select_for_update(of=("self",))
            .select_related("site", "agent")
            .get(id=enrolment_id)
        )
        _check(enrolment, newcomer, now)
        if enrolment.agent is None:
            agent_room(tenant_id=tenant_id, what="The agent was not enrolled.")
        agent = enrolment.agent or _agent_create(enrolment, newcomer, now)
        if enrolment.used_at is None:
            Enrolment.objects.filter(id=enrolment.id).update(used_at=now, agent=agent)
        bearer = secrets.token_urlsafe(KEY_LENGTH)
        expires = now + timedelta(seconds=BEARER_LIFETIME_S)
        Agent.objects.filter(id=agent.id).update(bearer_hash=_hash(bearer), bearer_expires_at=expires)
        _connector_choose(enrolment.site, agent, now)
        publish("agents", tenant_id=tenant_id)
        enqueue("agents.offers_refresh", site_id=enrolment.site_id, tenant_id=tenant_id)
    keys = portal_keys()
    return Enrolled(
        agent_id=agent.id,
        site_id=agent.site_id,
        certificate=agent.certificate,
        authority=keys.authority_pem,
        portal_key=keys.public,
        bearer=bearer,
        bearer_expires=expires,
    )


@transaction.atomic
def agent_revoke(*, agent: Agent, actor: Actor, now: datetime) -> None:
    """Put an agent out: its bearer is worthless from now on, its key signs nothing that counts.

    Where it was the connector, another agent of the site that has the duty takes its place, or the next to
    come; either needs the vCenter's password anew, which was sealed to the key of the one that is out.
    """
    actor.require(Right.MANAGE_SITES)
    own = Agent.objects.visible_to(actor).select_for_update().get(id=agent.id)
    _agents_put_out([own.id], now)
    publish("agents", tenant_id=own.tenant_id)
    for site in Site.objects.filter(connector_id=own.id):
        _connector_replace(site, now)


@transaction.atomic
def agents_revoke_all(*, tenant_id: UUID, now: datetime) -> int:
    """Put all agents of the organisation out and make its keys worthless; return how many agents there were.

    Inside its tenant_context; the caller has proved that it may.
    """
    Enrolment.objects.filter(tenant_id=tenant_id, used_at=None, revoked_at=None).update(revoked_at=now)
    enrolled = Agent.objects.filter(tenant_id=tenant_id, state=AgentState.ENROLLED)
    ids = list(enrolled.select_for_update().order_by("id").values_list("id", flat=True))
    _agents_put_out(ids, now)
    sites = Site.objects.filter(tenant_id=tenant_id)
    sites.update(connector=None, sealed_password=b"", generation=F("generation") + 1, halted=False)
    for site_id in sites.values_list("id", flat=True):
        site_wake(site_id=site_id, now=now)
    publish("agents", tenant_id=tenant_id)
    return len(ids)


def _agents_put_out(ids: Sequence[UUID], now: datetime) -> None:
    Agent.objects.filter(id__in=ids).update(
        state=AgentState.REVOKED, revoked_at=now, bearer_hash=None, bearer_expires_at=None
    )
    for id_ in ids:
        revoked(id_)


def _enrolment_find(token: str) -> tuple[UUID, UUID] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT enrolment_id, tenant_id FROM public.enrolment_by_hash(%s)", [_hash(token)])
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


def _check(enrolment: Enrolment, newcomer: Newcomer, now: datetime) -> None:
    if enrolment.revoked_at is not None:
        raise _refused("This install key is not known.")
    if enrolment.used_at is not None:
        agent = enrolment.agent
        if agent is not None and agent.state == AgentState.REVOKED:
            raise _refused("The agent of this install key has been revoked.")
        if (
            now < enrolment.expires_at
            and agent is not None
            and hmac.compare_digest(bytes(agent.signing_key), newcomer.signing_key)
        ):
            return
        raise EnrolmentUsed(
            f"This install key enrolled {agent or 'an agent'} at {enrolment.used_at:%H:%M} UTC.",
            why="A key lets one agent in.",
            remedy="Make another key for another host, or revoke that agent and make a new key.",
        )
    if now >= enrolment.expires_at:
        raise EnrolmentExpired(
            f"This install key expired at {enrolment.expires_at:%Y-%m-%d %H:%M} UTC.",
            why="A key is valid for 24 hours.",
            remedy="Make a new one on the site's page; the old command will not work again.",
        )


def _agent_create(enrolment: Enrolment, newcomer: Newcomer, now: datetime) -> Agent:
    agent_id = uuid4()
    issued = portal_keys().certify(agent=str(agent_id), public=newcomer.signing_key, now=now)
    duties = [duty.value for duty in Duty if duty.value in newcomer.duties] or [Duty.HOST.value]
    fields: Mapping[str, object] = {
        "tenant_id": enrolment.tenant_id,
        "site": enrolment.site,
        "host_name": newcomer.host_name[:255],
        "duties": duties,
        "enrolled_at": now,
        "signing_key": newcomer.signing_key,
        "sealing_key": newcomer.sealing_key,
        "certificate": issued.pem,
        "fingerprint": issued.fingerprint,
        "version": newcomer.version[:40],
        "last_seen_at": now,
    }
    name = newcomer.name[:180] or newcomer.host_name[:180] or "agent"
    try:
        with transaction.atomic():
            return Agent.objects.create(id=agent_id, name=name, **fields)
    except IntegrityError:  # a reinstalled host comes under its old name
        return Agent.objects.create(id=agent_id, name=f"{name} {agent_id.hex[:6]}", **fields)


def _connector_choose(site: Site, agent: Agent, now: datetime) -> None:
    """Give the site its first connector. A password is sealed to one connector, so it is not moved here."""
    if Duty.CONNECTOR.value not in agent.duties:
        return
    if Site.objects.filter(id=site.id, connector=None).update(connector=agent):
        site_wake(site_id=site.id, now=now)


def _connector_replace(site: Site, now: datetime) -> None:
    able = Agent.objects.filter(
        site=site, state=AgentState.ENROLLED.value, duties__contains=[Duty.CONNECTOR.value]
    )
    Site.objects.filter(id=site.id).update(
        connector=able.order_by("-last_seen_at", "id").first(),
        sealed_password=b"",
        generation=F("generation") + 1,
        halted=False,
    )
    site_wake(site_id=site.id, now=now)
    enqueue("agents.offers_refresh", site_id=site.id, tenant_id=site.tenant_id)


def _refused(what: str) -> EnrolmentRefused:
    return EnrolmentRefused(
        what, why="It may be mistyped or revoked.", remedy="Make a new one on the site's page."
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
