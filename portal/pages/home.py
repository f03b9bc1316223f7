"""The way in: where a person belongs, the theme, and the token of a page's stream."""

import time
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from portal.lib.live import TOPICS_MAX, token_make
from portal.pages.context import THEME_COOKIE, THEMES
from tenants.domain.roles import TenantKind
from tenants.interfaces import OpenView
from tenants.interfaces.factors import second_factor_missing
from tenants.selectors import belongings_of

YEAR_S = 365 * 24 * 3600


class Home(OpenView):
    """Sends a person to their organisation."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return the way to the person's first page."""
        if request.user.pk is None:
            return redirect("account_login")
        belongings = belongings_of(request.user.pk)
        if not belongings:
            return render(request, "nowhere.html", status=403)
        if any(belonging.kind is TenantKind.PROVIDER for belonging in belongings):
            return redirect("/provider/")
        return redirect(f"/t/{belongings[0].tenant_id}/")


class Theme(OpenView):
    """Light or dark, in a cookie, so that the server sends the right page at once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep the choice and return to the page."""
        chosen = request.POST.get("theme", "")
        back = request.headers.get("Referer", "/")
        own = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
        response = redirect(back if own else "/")
        if chosen in THEMES:
            response.set_cookie(
                THEME_COOKIE,
                chosen,
                max_age=YEAR_S,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
            )
        return response


class LiveToken(OpenView):
    """A token for a stream about one organisation that the person belongs to."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return the token and where the stream is."""
        if request.user.pk is None:
            return JsonResponse({"code": "signed_out"}, status=401)
        tenant = _tenant_or_404(request.GET.get("tenant", ""))
        own = [one for one in belongings_of(request.user.pk) if one.tenant_id == tenant]
        if not own or second_factor_missing(request, own[0]):
            raise Http404
        topics = [topic for topic in request.GET.get("topics", "").split(",") if topic][:TOPICS_MAX]
        token = token_make(
            secret=settings.SECRET_KEY,
            person=request.user.pk,
            tenant=str(tenant),
            topics=topics,
            now=time.time(),
        )
        return JsonResponse({"url": f"{settings.GATEWAY_URL}/live?token={token}"})


def _tenant_or_404(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error
