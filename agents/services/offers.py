"""Which of the provider's sites a tenant may move to, and the copies that keep the tenant informed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.domain.agent import AgentState, Duty
from agents.models import Agent, Datastore, Host, Network, Offer, Site, VirtualMachine
from agents.selectors.due import offers_of_site
from portal.lib.live import publish
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import TenantKind
from tenants.models import Tenant

NAMES_MAX = 50_000


def offer_grant(*, site: Site, tenant_id: UUID, now: datetime) -> Offer:
    """Return the customer's offer of the provider's site, made or refreshed. The caller is the provider's.

    Raises DoesNotExist where `tenant_id` is no customer.
    """
    with tenant_context(site.tenant_id):
        facts = _facts(site.id)
    with tenant_context(tenant_id):
        Tenant.objects.get(id=tenant_id, kind=TenantKind.CUSTOMER)
        offer, _ = Offer.objects.update_or_create(
            tenant_id=tenant_id, site_id=site.id, defaults={"name": site.name, **facts, "refreshed_at": now}
        )
        publish("offers", tenant_id=tenant_id)
    return offer


def offers_refresh(*, site_id: UUID, tenant_id: UUID, now: datetime) -> int:
    """Bring all tenants' copies of the site up to date; return how many there are."""
    offers = offers_of_site(site_id)
    if not offers:
        return 0
    with tenant_context(tenant_id):
        facts = _facts(site_id)
    for offer in offers:
        with tenant_context(offer.tenant_id):
            Offer.objects.filter(id=offer.id).update(**facts, refreshed_at=now)
    return len(offers)


@transaction.atomic
def _facts(site_id: UUID) -> dict[str, Any]:
    site = Site.objects.get(id=site_id)
    stores = list(Datastore.objects.filter(site=site, gone_at=None).order_by("name"))
    agents = {
        agent.host_name: agent
        for agent in Agent.objects.filter(
            site=site, state=AgentState.ENROLLED, duties__contains=[Duty.HOST.value]
        )
    }
    hosts = Host.objects.filter(site=site, gone_at=None).order_by("name")
    names = VirtualMachine.objects.filter(site=site, gone_at=None).order_by("name")
    return {
        "connector_id": site.connector_id,
        "datastores": [_store(store) for store in stores],
        "networks": list(
            Network.objects.filter(site=site, gone_at=None).order_by("name").values("moid", "name")
        ),
        "hosts": [_host(host, agents[host.name], stores) for host in hosts if host.name in agents],
        "machine_names": list(names.values_list("name", flat=True)[:NAMES_MAX]),
    }


def _store(store: Datastore) -> Mapping[str, object]:
    return {
        "moid": store.moid,
        "name": store.name,
        "free_bytes": store.free_bytes,
        "capacity_bytes": store.capacity_bytes,
    }


def _host(host: Host, agent: Agent, stores: list[Datastore]) -> Mapping[str, object]:
    return {
        "moid": host.moid,
        "name": host.name,
        "agent_id": str(agent.id),
        "address": agent.address,
        "fingerprint": agent.fingerprint,
        "datastores": [
            store.moid for store in stores if not store.host_moids or host.moid in store.host_moids
        ],
    }
