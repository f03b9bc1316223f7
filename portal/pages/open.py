"""Pages that belong to nobody: the start, the theme, and what a code means."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from portal.pages.context import THEME_COOKIE, THEMES
from tenants.domain.roles import TenantKind
from tenants.interfaces import OpenView
from tenants.selectors import Belonging, belongings_of

YEAR_S = 365 * 24 * 3600


class Start(OpenView):
    """The bare address: on to the person's home, or to a choice of organisations."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Send the person where they belong."""
        if request.user.pk is None:
            return redirect("account_login")
        belongings = belongings_of(request.user.pk)
        if len(belongings) == 1:
            return redirect(home_of(belongings[0]))
        choices = [(belonging, home_of(belonging)) for belonging in belongings]
        return render(request, "pages/choose.html", {"choices": choices})


class Theme(OpenView):
    """Light or dark, kept in a cookie so that the server draws the page right at once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set the theme and go back."""
        theme = request.POST.get("theme", "")
        back = request.POST.get("back", "/")
        if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
            back = "/"
        answer = redirect(back)
        if theme in THEMES:
            answer.set_cookie(
                THEME_COOKIE, theme, max_age=YEAR_S, samesite="Lax", secure=request.is_secure(), httponly=True
            )
        return answer


def home_of(belonging: Belonging) -> str:
    """Return the address of the home of an organisation."""
    if belonging.kind is TenantKind.PROVIDER:
        return reverse("provider_home")
    return reverse("tenant_home", args=[belonging.tenant_id])
