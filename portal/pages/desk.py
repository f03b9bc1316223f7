"""What the provider does to its tenants: policy and standing, of one or of many; everything of one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from migrations_app.services import tenant_close
from portal.lib.refusal import Refusal
from tenants.domain.roles import Actor, Right, TenantKind
from tenants.interfaces import ProviderView
from tenants.interfaces.api import uuid_or_404
from tenants.interfaces.archive import archive_answer
from tenants.models import Policy, Tenant
from tenants.services import policy_assign, tenant_resume, tenant_suspend

MANY = 500
"""So many tenants are changed by one form at most."""
DONE = {"policy": "has the policy", "suspend": "is suspended", "resume": "is active again"}
Act = Callable[[Tenant], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many."""

    tenant: Tenant
    done: bool
    said: str
    code: str = ""


class TenantAct(ProviderView):
    """A form on a tenant's page."""

    right: ClassVar = Right.PROVIDER_MANAGE

    def tenant(self, organisation: UUID) -> Tenant:
        """Return the tenant, if it is one."""
        return Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the tenant's page."""
        named = request.resolver_match.kwargs if request.resolver_match else {}
        return reverse("tenant", args=[named["organisation"]])


class TenantPolicy(TenantAct):
    """Which policy a tenant has."""

    def post(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Give it the one that was chosen."""
        tenant = self.tenant(organisation)
        act_of("policy", request.POST, self.actor, timezone.now())(tenant)
        messages.success(request, f"{tenant.name} {DONE['policy']}, from now on.")
        return redirect("tenant", organisation)


class TenantStands(TenantAct):
    """How a tenant stands."""

    def post(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Suspend it, resume it, or close it for good."""
        tenant, asked = self.tenant(organisation), request.POST
        if asked.get("act") == "close":
            tenant_close(
                actor=self.actor,
                tenant_id=tenant.id,
                confirmation=asked.get("confirmation", ""),
                reason=asked.get("reason", ""),
                now=timezone.now(),
            )
            messages.success(request, f"{tenant.name} is closed. Export its data before it is erased.")
            return redirect("tenant", organisation)
        act = asked.get("act", "")
        if act not in ("suspend", "resume"):
            raise Http404
        act_of(act, asked, self.actor, timezone.now())(tenant)
        messages.success(request, f"{tenant.name} {DONE[act]}.")
        return redirect("tenant", organisation)


class TenantArchive(TenantAct):
    """Everything that is a tenant's, in open formats."""

    def get(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Return the file, made while it is sent."""
        return archive_answer(self.tenant(organisation).id, now=timezone.now())


class TenantsBulk(ProviderView):
    """One action on the tenants that were chosen in the list, each by itself."""

    right: ClassVar = Right.PROVIDER_MANAGE
    template = "pages/tenants_bulk.html"

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Do it, and tell what became of each."""
        act = request.POST.get("act", "")
        chosen = [uuid_or_404(text) for text in request.POST.getlist("tenant")[:MANY]]
        if act not in DONE or not chosen:
            messages.warning(request, "Nothing was changed: choose tenants, and what to do with them.")
            return redirect("tenants")
        rows = Tenant.objects.filter(id__in=chosen, kind=TenantKind.CUSTOMER).order_by("name", "id")
        do = act_of(act, request.POST, self.actor, timezone.now())
        results = [_tried(tenant, do, DONE[act]) for tenant in list(rows)]
        return self.show(results=results, failed=sum(not result.done for result in results))


def act_of(act: str, typed: QueryDict, actor: Actor, now: datetime) -> Act:
    """Return what is to be done to a tenant. Raises Http404 for a policy that is none."""
    reason = typed.get("reason", "")
    if act == "policy":
        text = typed.get("policy", "")
        policy = Policy.objects.get(id=uuid_or_404(text), tenant_id=actor.tenant_id).id if text else None
        return lambda tenant: policy_assign(actor=actor, tenant_id=tenant.id, policy_id=policy, now=now)
    change = tenant_suspend if act == "suspend" else tenant_resume

    def changed(tenant: Tenant) -> None:
        change(actor=actor, tenant_id=tenant.id, reason=reason, now=now)

    return changed


def _tried(tenant: Tenant, do: Act, done: str) -> Result:
    """Do it to one: what is refused here undoes nothing there."""
    try:
        with transaction.atomic():
            do(tenant)
    except Refusal as refusal:
        return Result(tenant, False, f"{refusal.why} {refusal.remedy}", refusal.code)
    return Result(tenant, True, f"It {done}.")
