"""The page of one group: how it stands, what may be asked of it, what became of each machine."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from migrations_app.domain.lifecycle import Desired, Phase
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors import (
    GroupDetail,
    group_detail,
    group_history,
    preflight,
    unit_commands,
    unit_history,
)
from migrations_app.services import (
    ConfirmationWrong,
    CutoverNotReady,
    commit_request,
    cutover_request,
    cutover_withdraw,
    destination_declared_off,
    group_cancel,
    group_pause,
    group_resume,
    group_start,
    rollback_request,
    unit_retry,
    unit_rollback,
    unverified_accept,
)
from migrations_app.views.steps import figures_of, steps_of
from migrations_app.views.told import failures_told, findings_told, passed_told, waits_told
from tenants.domain.roles import Right
from tenants.interfaces import ProviderView, TenantView

TIMED = frozenset({Phase.QUIESCING, Phase.FINAL_DELTA, Phase.SWITCHING, Phase.VERIFYING, Phase.ROLLING_BACK})
"""The phases of a cut-over, in which people count seconds."""
EVENTS = 12
PLAIN: Mapping[str, tuple[Right, Callable[..., None]]] = {
    "start": (Right.OPERATE, group_start),
    "cancel": (Right.OPERATE, group_cancel),
    "pause": (Right.OPERATE, group_pause),
    "resume": (Right.OPERATE, group_resume),
    "withdraw": (Right.CUT_OVER, cutover_withdraw),
}
CONFIRMED: Mapping[str, Callable[..., None]] = {"commit": commit_request, "rollback": rollback_request}
UNIT_PLAIN: Mapping[str, tuple[Right, Callable[..., None]]] = {
    "retry": (Right.OPERATE, unit_retry),
    "rollback": (Right.CUT_OVER, unit_rollback),
}
UNIT_CONFIRMED: Mapping[str, Callable[..., None]] = {
    "accept-unverified": unverified_accept,
    "declare-off": destination_declared_off,
}


class GroupView(TenantView):
    """A page about one group."""

    def group(self, group: UUID) -> MigrationGroup:
        """Return the group, if it is the organisation's."""
        return MigrationGroup.objects.visible_to(self.actor).select_related("offer", "tenant").get(id=group)

    def unit(self, group: UUID, unit: UUID) -> MigrationUnit:
        """Return the unit, if it is the group's."""
        return self.group(group).units.select_related("machine", "group").get(id=unit)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the group's own page."""
        named = request.resolver_match.kwargs if request.resolver_match else {}
        return reverse("group", args=[self.actor.tenant_id, named["group"]])

    def back(self, group: UUID) -> HttpResponseBase:
        """Send the person back to the group."""
        return redirect("group", self.actor.tenant_id, group)


class OneGroup(GroupView):
    """One group."""

    template = "migrations_app/group.html"

    def get(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Show it."""
        return self.show(**group_shown(self.group(group), now=timezone.now()))


class ProviderGroup(ProviderView):
    """One tenant's group as the provider's staff may look at it: they see all and ask for nothing."""

    template = "migrations_app/group.html"

    def get(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Show it."""
        own = MigrationGroup.objects.select_related("offer", "tenant").get(id=group)
        return self.show(**group_shown(own, now=timezone.now()), everybody=True, rights={})


class GroupAsk(GroupView):
    """A request that needs no more than a click."""

    def post(self, request: HttpRequest, group: UUID, ask: str) -> HttpResponseBase:
        """Ask for it."""
        if ask not in PLAIN:
            raise Http404
        right, service = PLAIN[ask]
        self.actor.require(right)
        service(group=self.group(group), actor=self.actor, now=timezone.now())
        return self.back(group)


class GroupConfirm(GroupView):
    """A commit or a rollback, confirmed by typing the group's name."""

    right: ClassVar = Right.CUT_OVER

    def post(self, request: HttpRequest, group: UUID, ask: str) -> HttpResponseBase:
        """Ask for it."""
        if ask not in CONFIRMED:
            raise Http404
        own = self.group(group)
        confirm(own.name, request.POST.get("confirmation", ""))
        CONFIRMED[ask](group=own, actor=self.actor, now=timezone.now())
        return self.back(group)


class Cutover(GroupView):
    """The cut-over: checks, consequence, typed confirmation."""

    right: ClassVar = Right.CUT_OVER
    template = "migrations_app/cutover.html"

    def get(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Show what would happen."""
        own = self.group(group)
        detail = group_detail(own)
        findings = findings_told(preflight(group=own, now=timezone.now()))
        return self.show(
            group=own,
            detail=detail,
            row=detail.row,
            findings=findings,
            blocked=sum(finding.severity == "fail" for finding in findings),
            passed=passed_told(findings),
            figures=figures_of(detail),
            ready=_ready(detail),
            now=timezone.now(),
            in_step=sum(unit.phase == Phase.READY for unit in detail.units),
        )

    def post(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Ask for it, now or at a time (UTC)."""
        own, now = self.group(group), timezone.now()
        confirm(own.name, request.POST.get("confirmation", ""))
        at = _moment(request.POST.get("at", "")) or now
        cutover_request(group=own, at=at, actor=self.actor, now=now)
        messages.success(
            request, "The cut-over has been asked for. Rolling back stays possible until you commit."
        )
        return self.back(group)


class OneUnit(GroupView):
    """One machine: its history and the commands on the tenant's behalf."""

    template = "migrations_app/unit.html"

    def get(self, request: HttpRequest, group: UUID, unit: UUID) -> HttpResponseBase:
        """Show it."""
        own = self.unit(group, unit)
        detail = group_detail(self.group(group))
        shown = next(row for row in detail.units if row.id == own.id)
        moves, commands = unit_history(own), unit_commands(own)
        return self.show(
            group=own.group,
            unit=shown,
            moves=moves,
            commands=commands,
            topics=f"unit:{own.id},group:{group}",
            failures=failures_told([shown]),
            waits=waits_told([shown]),
        )


class UnitAsk(GroupView):
    """A request about one machine; what cannot be undone is confirmed by its name."""

    def post(self, request: HttpRequest, group: UUID, unit: UUID, ask: str) -> HttpResponseBase:
        """Ask for it."""
        own = self.unit(group, unit)
        if ask in UNIT_CONFIRMED:
            self.actor.require(Right.CUT_OVER)
            typed = request.POST.get("confirmation", "")
            UNIT_CONFIRMED[ask](unit=own, actor=self.actor, confirmation=typed, now=timezone.now())
        elif ask in UNIT_PLAIN:
            right, service = UNIT_PLAIN[ask]
            self.actor.require(right)
            service(unit=own, actor=self.actor, now=timezone.now())
        else:
            raise Http404
        return self.back(group)


def group_shown(own: MigrationGroup, *, now: datetime) -> dict[str, Any]:
    """Return what the page of a group shows."""
    detail = group_detail(own)
    findings = preflight(group=own, now=now) if own.desired == Desired.HOLD else ()
    return {
        "group": own,
        "detail": detail,
        "row": detail.row,
        "asks": {ask.value for ask in detail.asks},
        "steps": steps_of(detail),
        "figures": figures_of(detail),
        "findings": findings_told(findings),
        "blocked": any(finding.severity == "fail" for finding in findings),
        "decisions": [unit for unit in detail.units if _waits(unit)],
        "failures": failures_told(detail.units),
        "failed": f"{detail.row.failed} failed",
        "waits": waits_told(detail.units),
        "events": group_history(own, limit=EVENTS),
        "now": now,
        "steps_timed": TIMED,
        "topics": ",".join([f"group:{own.id}", *(f"unit:{unit.id}" for unit in detail.units[:60])]),
    }


def confirm(name: str, typed: str) -> None:
    """Raise ConfirmationWrong unless the name was typed."""
    if typed.strip() != name:
        raise ConfirmationWrong(
            "Nothing was changed.",
            why="What was typed is not the group's name.",
            remedy=f"Type {name} to confirm.",
        )


def _waits(unit: Any) -> bool:
    return any(condition.for_a_person for condition in unit.conditions)


def _ready(detail: GroupDetail) -> bool:
    return "cut_over" in {ask.value for ask in detail.asks}


def _moment(text: str) -> Any:
    """Return the time that was typed, in UTC; None for none. Raises CutoverNotReady."""
    if not text.strip():
        return None
    found = None
    try:
        found = parse_datetime(f"{text.strip()}:00+00:00" if len(text.strip()) == 16 else text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CutoverNotReady(
            "The cut-over was not scheduled.",
            why="The time is not one that can be read.",
            remedy="Choose a date and a time, or leave it empty for now.",
        )
    return found
