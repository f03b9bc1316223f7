"""`manage.py provider_connectors`: runs a connector for each site of the provider's that has none."""

import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from agents.models import Site
from agents.services import enrolment_create
from portal.embedded.connectors import Connectors
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import Role, TenantKind
from tenants.models import Membership, Tenant
from tenants.selectors import actor_for

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs beside the portal, under its supervisor, as the web role."""

    help = "Enrol and run a connector for each of the provider's sites that has none, until told to end."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder of the agents' own folders."""
        parser.add_argument("--folder", type=Path, required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run them."""
        connectors = Connectors(options["folder"], portal=settings.PORTAL_URL, wanted=keys_if_possible)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, connectors.supervisor.stop_ask)
        connectors.run()


def keys_if_possible(but: frozenset[UUID]) -> Mapping[UUID, str]:
    """Return the keys, or none while the database is away."""
    close_old_connections()
    try:
        return keys_for_connectors(but)
    except (OperationalError, InterfaceError) as error:
        log.warning("the database is away: %s", error)
        return {}


def keys_for_connectors(but: frozenset[UUID] = frozenset()) -> Mapping[UUID, str]:
    """Return a one-off key for each of the provider's sites without a connector, `but` those.

    In the name of an administrator of the provider: the rights are checked as for anybody.
    """
    with provider_context():
        provider = Tenant.objects.filter(kind=TenantKind.PROVIDER).first()
    if provider is None:
        return {}
    with tenant_context(provider.id):
        admins = Membership.objects.filter(tenant=provider, role=Role.PROVIDER_ADMIN.value)
        admin = admins.order_by("id").values_list("user_id", flat=True).first()
        if admin is None:
            return {}
        actor = actor_for(user_id=admin, tenant_id=provider.id)
        sites = Site.objects.visible_to(actor).filter(connector=None).exclude(id__in=but)
        return {site.id: enrolment_create(site=site, actor=actor, now=timezone.now())[1] for site in sites}
