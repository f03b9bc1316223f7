"""What an organisation asks of how its people sign in: its own page, and the provider's word on it."""

from typing import ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderView, TenantView
from tenants.interfaces.factors import people_without
from tenants.models import Membership, Tenant
from tenants.services import second_factor_require

SHOWN = 20
"""So many people without a second factor are named."""


class SignInRules(TenantView):
    """The organisation's own rule, and who would be led to set something up."""

    right: ClassVar = Right.MANAGE_PEOPLE
    template = "tenants/sign_in_rules.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        people = Membership.objects.visible_to(self.actor).select_related("user").order_by("user__email")
        without = people_without([one.user for one in people])
        return self.show(
            tenant=Tenant.objects.get(id=self.actor.tenant_id),
            count=len(people),
            having=len(people) - len(without),
            without=without[:SHOWN],
            more=len(without[SHOWN:]),
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Change it."""
        required = request.POST.get("required") == "yes"
        second_factor_require(tenant_id=self.actor.tenant_id, required=required, actor=self.actor)
        messages.success(request, _said("Everybody here", required=required))
        return redirect("sign-in-rules", self.actor.tenant_id)


class TenantSignInRules(ProviderView):
    """The same for one tenant, by the provider's administrators."""

    right: ClassVar = Right.MANAGE_PEOPLE

    def post(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Change it."""
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        required = request.POST.get("required") == "yes"
        second_factor_require(tenant_id=tenant.id, required=required, actor=self.actor)
        messages.success(request, _said(f"Everybody of {tenant.name}", required=required))
        return redirect("tenant", organisation)


def _said(who: str, *, required: bool) -> str:
    return f"{who} {'needs a second factor from now on' if required else 'may do without a second factor'}."
