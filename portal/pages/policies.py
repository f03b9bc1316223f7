"""The provider's policies: the list, making one, changing one."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from portal.lib.paging import page_of
from portal.lib.whole import whole
from tenants.domain.quota import LABELS, NO_LIMIT, UNITS, Limit, Measure, Quota
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderView
from tenants.interfaces.files import csv_answer
from tenants.models import Policy, Tenant
from tenants.selectors import quota_from
from tenants.services import (
    PolicyChanged,
    PolicyInvalid,
    PolicyNameTaken,
    PolicyTerms,
    policy_create,
    policy_update,
)

COLUMNS = (
    *("policy", "default", "tenants", "migration", "whom_to_ask"),
    *(f"{measure.value}_{end}" for measure in Measure for end in ("soft", "hard")),
    *("changed_utc", "id"),
)
HOLDERS_SHOWN = 20
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,3})?")
_Fields = list[dict[str, str]]


class _Policies(ProviderView):
    """What the list and its file show."""

    def found(self) -> tuple[Any, str]:
        """Return the policies that the address asks for, and the text that they were narrowed by."""
        text = self.request.GET.get("q", "").strip()[:100]
        rows = Policy.objects.filter(tenant_id=self.actor.tenant_id)
        return (rows.filter(name__icontains=text) if text else rows), text


class Policies(_Policies):
    """The list, and the form for a new one."""

    template = "pages/policies.html"
    rights: ClassVar = {"POST": Right.PROVIDER_MANAGE}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them."""
        return self.page(QueryDict())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make a policy; a refusal is told above the form, with all that was typed."""
        try:
            policy = policy_create(actor=self.actor, terms=terms_typed(request.POST), now=timezone.now())
        except (PolicyInvalid, PolicyNameTaken) as refusal:
            return self.page(request.POST, refusal=refusal)
        messages.success(
            request, f"{policy.name} is made. Assign it to tenants on their pages or in the list."
        )
        return redirect("policy", policy.id)

    def page(self, typed: QueryDict, **more: Any) -> HttpResponseBase:
        """Show one page of policies, and the form with what was typed."""
        rows, text = self.found()
        page = page_of(rows, sort="name", cursor=self.request.GET.get("cursor", ""))
        holders = holders_counted()
        told = [{"row": policy, "tenants": _held(policy, holders)} for policy in page.rows]
        return self.show(
            policies=told,
            page=page,
            count=rows.count(),
            q=text,
            fields=fields_shown(Quota(), typed),
            **_head(typed, Policy()),
            **more,
        )


class PoliciesCsv(_Policies):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them by name; limits are in bytes and bytes per second."""
        rows, _ = self.found()
        holders = holders_counted()
        lines = [_line(policy, _held(policy, holders)) for policy in rows.order_by("name", "id")]
        return csv_answer(f"policies-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])


class OnePolicy(ProviderView):
    """One policy: its limits, and who has it."""

    template = "pages/policy.html"
    rights: ClassVar = {"POST": Right.PROVIDER_MANAGE}

    def get(self, request: HttpRequest, policy: UUID) -> HttpResponseBase:
        """Show it."""
        return self.page(self.policy(policy), QueryDict())

    def post(self, request: HttpRequest, policy: UUID) -> HttpResponseBase:
        """Change it, unless somebody else did since this page was read."""
        own = self.policy(policy)
        try:
            policy_update(
                actor=self.actor,
                policy_id=own.id,
                terms=terms_typed(request.POST, quota_from(own)),
                version=whole(request.POST.get("version"), 0),
                now=timezone.now(),
            )
        except PolicyChanged as refusal:  # as it is now: what was typed would undo what another did
            return self.page(self.policy(policy), QueryDict(), refusal=refusal)
        except (PolicyInvalid, PolicyNameTaken) as refusal:
            return self.page(self.policy(policy), request.POST, refusal=refusal)
        messages.success(request, "The policy is changed, and holds at once for everybody who has it.")
        return redirect("policy", policy)

    def policy(self, policy: UUID) -> Policy:
        """Return the policy."""
        rows = Policy.objects.filter(tenant_id=self.actor.tenant_id).select_related("changed_by")
        return rows.get(id=policy)

    def page(self, policy: Policy, typed: QueryDict, **more: Any) -> HttpResponseBase:
        """Show it as it is, and the form with what was typed."""
        has = Q(policy=policy) | (Q(policy=None) if policy.is_default else Q(pk=None))
        holders = Tenant.objects.filter(has, kind=TenantKind.CUSTOMER).order_by("name", "id")
        return self.show(
            policy=policy,
            **_head(typed, policy),
            fields=fields_shown(quota_from(policy), typed),
            holders=holders[:HOLDERS_SHOWN],
            count=holders.count(),
            **more,
        )


def _head(typed: QueryDict, policy: Policy) -> dict[str, Any]:
    """Return what the form has above the limits: what was typed, else what holds."""
    if not typed:
        return {name: getattr(policy, name) for name in ("name", "contact", "migration_in", "is_default")}
    boxes = {name: typed.get(name) == "yes" for name in ("migration_in", "is_default")}
    return {"name": typed.get("name", ""), "contact": typed.get("contact", ""), **boxes}


def holders_counted() -> Mapping[UUID | None, int]:
    """Return how many tenants each policy has; None has those without one of their own."""
    customers = Tenant.objects.filter(kind=TenantKind.CUSTOMER).order_by()
    return dict(customers.values_list("policy_id").annotate(number=Count("id")))


def _held(policy: Policy, holders: Mapping[UUID | None, int]) -> int:
    return holders.get(policy.id, 0) + (holders.get(None, 0) if policy.is_default else 0)


def terms_typed(typed: QueryDict, held: Quota | None = None) -> PolicyTerms:
    """Return what was typed; a number that was shown rounded stays what it was. Raises PolicyInvalid."""
    return PolicyTerms(
        name=typed.get("name", ""),
        contact=typed.get("contact", ""),
        is_default=typed.get("is_default") == "yes",
        migration_in=typed.get("migration_in", "yes") == "yes",
        limits={measure: _limit(typed, measure, (held or Quota()).of(measure)) for measure in Measure},
    )


def fields_shown(quota: Quota, typed: QueryDict) -> _Fields:
    """Return a line of the form for each measure, with what was typed or else what holds."""
    return [
        {
            "name": measure.value,
            "label": LABELS[measure],
            "unit": UNITS[measure][0] if measure in UNITS else "",
            "soft": typed.get(f"{measure.value}_soft", shown(measure, quota.of(measure).soft)),
            "hard": typed.get(f"{measure.value}_hard", shown(measure, quota.of(measure).hard)),
        }
        for measure in Measure
    ]


def shown(measure: Measure, number: int | None) -> str:
    """Return a limit as its field has it, in the measure's unit; empty for none."""
    if number is None:
        return ""
    factor = UNITS[measure][1] if measure in UNITS else 1
    whole_, part = divmod(number, factor)
    return str(whole_) if not part else f"{Decimal(number) / factor:.3f}".rstrip("0").rstrip(".")


def _limit(typed: QueryDict, measure: Measure, held: Limit) -> Limit:
    return Limit(
        _typed(typed.get(f"{measure.value}_soft", ""), measure, held.soft),
        _typed(typed.get(f"{measure.value}_hard", ""), measure, held.hard),
    )


def _typed(text: str, measure: Measure, held: int | None) -> int | None:
    number = text.strip()
    if not number:
        return None
    if held is not None and number == shown(measure, held):
        return held
    factor = UNITS[measure][1] if measure in UNITS else 1
    if not _NUMBER.fullmatch(number) or (factor == 1 and "." in number) or not number.isascii():
        raise PolicyInvalid(
            "The policy was not saved.",
            why=f"{LABELS[measure]}: “{number[:20]}” is no limit.",
            remedy="Enter a number, or leave the field empty for no limit.",
        )
    return int(Decimal(number) * factor)


def _line(policy: Policy, tenants: int) -> tuple[str, ...]:
    quota = quota_from(policy)
    limits = [quota.limits.get(measure, NO_LIMIT) for measure in Measure]
    numbers = ["" if end is None else str(end) for limit in limits for end in (limit.soft, limit.hard)]
    front = (policy.name, _yes(policy.is_default), str(tenants), _yes(policy.migration_in), policy.contact)
    return (*front, *numbers, f"{policy.changed_at:%Y-%m-%d %H:%M:%S}", str(policy.id))


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
