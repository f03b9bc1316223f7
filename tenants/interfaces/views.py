"""The base of the browser's pages."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views import View

from portal.lib.refusal import Refusal
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import Actor, Right, RightMissing, TenantKind
from tenants.interfaces.factors import second_factor_missing
from tenants.selectors import Belonging, belongings_of


class OpenView(View):
    """A page that belongs to nobody; it answers whoever asks."""


class TenantView(View):
    """A page inside one organisation, which the address names: /t/<id>/….

    Strangers to the portal are sent to sign in, outsiders get 404, insiders without `right` 403, who lacks a
    second factor that the organisation asks for is led to set one up. The whole
    request is one transaction inside the organisation; a refusal undoes it and is told on the page before.
    """

    right: ClassVar[Right] = Right.VIEW
    rights: ClassVar[dict[str, Right]] = {}
    template = ""
    request: HttpRequest
    actor: Actor
    belonging: Belonging

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Resolve the organisation, enter it, answer inside it."""
        if request.user.pk is None:
            return redirect_to_login(request.get_full_path())
        belongings = belongings_of(request.user.pk)
        self.belonging = self.resolve(belongings, kwargs.pop("tenant", None))
        if second_factor_missing(request, self.belonging):
            return redirect("security")
        self.actor = self.belonging.actor(request.user.pk)
        request.belonging = self.belonging  # type: ignore[attr-defined]
        request.belongings = belongings  # type: ignore[attr-defined]
        try:
            self.actor.require(self.rights.get(request.method or "", self.right))
            self.belonging.stand.method_check(request.method or "")
            return self._inside(request, *args, **kwargs)
        except RightMissing as refusal:
            return self.show("403.html", refusal=refusal, status=403).render()
        except Refusal as refusal:
            messages.error(request, f"{refusal.what} {refusal.why} {refusal.remedy} ({refusal.code})")
            return redirect(self.refused_to(request))
        except ObjectDoesNotExist as error:
            raise Http404 from error

    def resolve(self, belongings: list[Belonging], tenant: UUID | None) -> Belonging:
        """Return the organisation that the page is about. Raises Http404."""
        for belonging in belongings:
            if belonging.tenant_id == tenant:
                return belonging
        raise Http404

    def context(self) -> Any:
        """Return the context in which the page runs."""
        return tenant_context(self.actor.tenant_id)

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> TemplateResponse:
        """Return the page; it is rendered before the organisation is left."""
        context = {
            "actor": self.actor,
            "belonging": self.belonging,
            "rights": _rights(self.actor),
        } | context
        return TemplateResponse(self.request, template or self.template, context, status=status)

    def refused_to(self, request: HttpRequest) -> str:
        """Return where a refusal is told: the page that the form was on."""
        return request.get_full_path()

    def _inside(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with self.context(), transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.render()
            return response


class ProviderView(TenantView):
    """A page of the provider's staff that reads across tenants; to everybody else it is not there."""

    right = Right.PROVIDER_VIEW

    def resolve(self, belongings: list[Belonging], tenant: UUID | None) -> Belonging:
        """Return the provider. Raises Http404."""
        for belonging in belongings:
            if belonging.kind is TenantKind.PROVIDER:
                return belonging
        raise Http404

    def context(self) -> Any:
        """Return the context in which all tenants can be read."""
        return provider_context()


def _rights(actor: Actor) -> dict[str, bool]:
    return {right.value: actor.can(right) for right in Right}
