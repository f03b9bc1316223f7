"""API tokens as pages: the list, a new one, told once, and revoking."""

from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from portal.lib.paging import page_of
from portal.lib.refusal import Refusal
from portal.lib.whole import whole
from tenants.domain.roles import ROLE_RIGHTS, Role, right_word
from tenants.domain.tokens import LIFETIMES_DAYS, rights_grantable, rights_read
from tenants.interfaces import TenantView
from tenants.interfaces.factors import confirmed
from tenants.interfaces.files import csv_answer
from tenants.models import ApiToken, Membership, TenantQuerySet
from tenants.selectors import tokens_of
from tenants.services import token_make, token_revoke

LIFETIME_USUAL = 30
COLUMNS = (
    *("token", "made_by", "rights", "state", "created_utc", "expires_utc"),
    *("last_used_utc", "last_address", "id"),
)
CSV_MAX = 10_000
"""Tokens in a file, which is made in memory."""


class _Tokens(TenantView):
    """The list as the address describes it."""

    def wanted(self) -> tuple[TenantQuerySet[ApiToken], str]:
        """Return the tokens that the address asks for, and the text that they were narrowed by."""
        text = self.request.GET.get("q", "").strip()[:100]
        rows = tokens_of(self.actor).select_related("user")
        return (rows.filter(name__icontains=text) if text else rows), text

    def shown(self, tokens: list[ApiToken], now: datetime) -> list[dict[str, Any]]:
        """Return tokens with what they may do now, which is no more than their makers may."""
        people = {token.user_id for token in tokens}
        held = dict(Membership.objects.filter(user_id__in=people).values_list("user_id", "role"))
        return [_shown(token, held.get(token.user_id), now) for token in tokens]


class Tokens(_Tokens):
    """The organisation's tokens: one's own, or as who manages people all."""

    template = "tenants/tokens.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them and the form for another."""
        return self.page(QueryDict())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make one, whose text is on this answer and nowhere else; a refusal keeps what was typed."""
        if not confirmed(request):
            raise ReauthenticationRequired
        try:
            made = token_make(
                actor=self.actor,
                name=request.POST.get("name", ""),
                rights=request.POST.getlist("rights"),
                days=whole(request.POST.get("days"), 0),
                now=timezone.now(),
            )
        except Refusal as refusal:
            return self.page(request.POST, refusal=refusal)
        answer = self.page(QueryDict(), made=made)
        answer["Cache-Control"] = "no-store"
        return answer

    def page(self, typed: QueryDict, **more: Any) -> HttpResponseBase:
        """Show one page of them, the newest first, and the form with what was typed."""
        rows, text = self.wanted()
        page = page_of(rows, sort="-created_at", cursor=self.request.GET.get("cursor", ""))
        chosen = typed.getlist("rights")
        grantable = [(right, right_word(right)) for right in rights_grantable(self.actor.rights)]
        return self.show(
            tokens=self.shown(list(page.rows), timezone.now()),
            page=page,
            count=rows.count(),
            q=text,
            grantable=[(right.value, word, right.value in chosen) for right, word in grantable],
            lifetimes=LIFETIMES_DAYS,
            days=whole(typed.get("days"), LIFETIME_USUAL),
            name=typed.get("name", ""),
            **more,
        )


class TokensCsv(_Tokens):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them, the newest first."""
        rows, _ = self.wanted()
        tokens = self.shown(list(rows.order_by("-created_at", "-id")[:CSV_MAX]), timezone.now())
        return csv_answer("tokens.csv", [COLUMNS, *(_line(token) for token in tokens)])


class TokenRevoke(TenantView):
    """Revoking one."""

    template = "tenants/token_revoke.html"

    def get(self, request: HttpRequest, token: UUID) -> HttpResponseBase:
        """Ask, and say what follows."""
        return self.show(token=tokens_of(self.actor).select_related("user").get(id=token))

    def post(self, request: HttpRequest, token: UUID) -> HttpResponseBase:
        """Revoke it."""
        own = token_revoke(token_id=token, actor=self.actor, now=timezone.now())
        messages.success(request, f"{own.name} is revoked. Calls with it are refused from now on.")
        return redirect("tokens", self.actor.tenant_id)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the list."""
        return reverse("tokens", args=[self.actor.tenant_id])


def _shown(token: ApiToken, role: str | None, now: datetime) -> dict[str, Any]:
    may = ROLE_RIGHTS[Role(role)] if role else frozenset()
    given = rights_read(token.rights)
    state = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "open"
    return {
        "row": token,
        "state": state if role or state != "open" else "ownerless",
        "rights": [right_word(right) for right in sorted(given & may)],
        "lost": [right_word(right) for right in sorted(given - may)],
    }


def _line(token: dict[str, Any]) -> tuple[str, ...]:
    row = token["row"]
    moments = [row.created_at, row.expires_at, row.last_used_at]
    created, expires, used = (f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "" for moment in moments)
    front = (row.name, row.user.email, ", ".join(token["rights"]), token["state"])
    return (*front, created, expires, used, row.last_address, str(row.id))
