"""Calls about migration groups."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from migrations_app.api.shapes import (
    BudgetIn,
    ConfirmedIn,
    CutoverIn,
    FindingOut,
    GroupIn,
    GroupOut,
    UnitOut,
    group_told,
    plan_of,
    told,
)
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors import group_detail, preflight, unit_commands, unit_history
from migrations_app.services import (
    ConfirmationWrong,
    budget_update,
    commit_request,
    cutover_request,
    cutover_withdraw,
    destination_declared_off,
    group_cancel,
    group_pause,
    group_resume,
    group_start,
    group_update,
    rollback_request,
    unit_retry,
    unit_rollback,
    unverified_accept,
)
from tenants.domain.roles import Right
from tenants.interfaces import TenantApi

Request_ = Callable[..., None]


class GroupApi(TenantApi):
    """A call about one group."""

    def group(self, group: UUID) -> MigrationGroup:
        """Return the group, if it is the organisation's."""
        groups = MigrationGroup.objects.visible_to(self.actor).select_related("offer", "tenant")
        return groups.get(id=group)

    def answer(self, group: UUID) -> Response:
        """Return the group as it stands now."""
        return Response(group_told(group_detail(self.group(group))))


class OneGroup(GroupApi):
    """One group."""

    rights = {"PUT": Right.OPERATE}  # noqa: RUF012

    @extend_schema(responses=GroupOut)
    def get(self, request: Request, group: UUID) -> Response:
        """Return the group with its units and tiers."""
        return self.answer(group)

    @extend_schema(request=GroupIn, responses=GroupOut)
    def put(self, request: Request, group: UUID) -> Response:
        """Replace the plan of a group that has not started."""
        asked = GroupIn(data=request.data)
        asked.is_valid(raise_exception=True)
        plan = plan_of(asked.validated_data)
        group_update(group=self.group(group), actor=self.actor, plan=plan, now=timezone.now())
        return self.answer(group)


class GroupPreflight(GroupApi):
    """What would fail."""

    @extend_schema(request=None, responses=FindingOut(many=True))
    def post(self, request: Request, group: UUID) -> Response:
        """Return what would fail, or is worth knowing, if the group started now."""
        findings = preflight(group=self.group(group), now=timezone.now())
        return Response({"findings": told(findings), "ok": not any(f.severity == "fail" for f in findings)})


class GroupRequest(GroupApi):
    """A request that needs no more than its name."""

    ask: ClassVar[Request_]

    @extend_schema(request=None, responses=GroupOut)
    def post(self, request: Request, group: UUID) -> Response:
        """Ask for it."""
        type(self).ask(group=self.group(group), actor=self.actor, now=timezone.now())
        return self.answer(group)


class GroupStart(GroupRequest):
    """Validate and synchronise."""

    right = Right.OPERATE
    ask = staticmethod(group_start)


class GroupCancel(GroupRequest):
    """Close a group that was never started."""

    right = Right.OPERATE
    ask = staticmethod(group_cancel)


class GroupPause(GroupRequest):
    """Begin nothing new."""

    right = Right.OPERATE
    ask = staticmethod(group_pause)


class GroupResume(GroupRequest):
    """Go on."""

    right = Right.OPERATE
    ask = staticmethod(group_resume)


class GroupCutover(GroupApi):
    """The cut-over."""

    right = Right.CUT_OVER

    @extend_schema(request=CutoverIn, responses=GroupOut)
    def post(self, request: Request, group: UUID) -> Response:
        """Ask for it, now or at a time; confirmed by the group's name."""
        asked = CutoverIn(data=request.data)
        asked.is_valid(raise_exception=True)
        now, own = timezone.now(), self.group(group)
        confirmed(own, asked.validated_data["confirmation"])
        at = asked.validated_data.get("at") or now
        cutover_request(group=own, at=at, actor=self.actor, now=now)
        return self.answer(group)


class GroupWithdraw(GroupRequest):
    """Take a cut-over back that has begun for no machine."""

    right = Right.CUT_OVER
    ask = staticmethod(cutover_withdraw)


class GroupBudget(GroupApi):
    """What may be left for the cut-over, and how fast a machine may be copied."""

    right = Right.OPERATE

    @extend_schema(request=BudgetIn, responses=GroupOut)
    def put(self, request: Request, group: UUID) -> Response:
        """Change them, also under way; what is not named stays."""
        asked = BudgetIn(data=request.data)
        asked.is_valid(raise_exception=True)
        own, wanted = self.group(group), asked.validated_data
        budget_update(
            group=own,
            actor=self.actor,
            cutover_budget_bytes=wanted.get("cutover_budget_bytes", own.cutover_budget_bytes),
            rate_limit=wanted.get("rate_limit", own.rate_limit),
            now=timezone.now(),
        )
        return self.answer(group)


class GroupConfirmed(GroupApi):
    """A request that is confirmed by the group's name."""

    right = Right.CUT_OVER
    ask: ClassVar[Request_]

    @extend_schema(request=ConfirmedIn, responses=GroupOut)
    def post(self, request: Request, group: UUID) -> Response:
        """Ask for it."""
        asked = ConfirmedIn(data=request.data)
        asked.is_valid(raise_exception=True)
        own = self.group(group)
        confirmed(own, asked.validated_data["confirmation"])
        type(self).ask(group=own, actor=self.actor, now=timezone.now())
        return self.answer(group)


class GroupCommit(GroupConfirmed):
    """The point of no return."""

    ask = staticmethod(commit_request)


class GroupRollback(GroupConfirmed):
    """Every machine back to its source."""

    ask = staticmethod(rollback_request)


class UnitApi(GroupApi):
    """A call about one unit of a group."""

    def unit(self, group: UUID, unit: UUID) -> MigrationUnit:
        """Return the unit, if it is the organisation's."""
        own = self.group(group)
        return own.units.select_related("machine", "group").get(id=unit)


class UnitHistory(UnitApi):
    """What became of a unit."""

    @extend_schema(responses=UnitOut)
    def get(self, request: Request, group: UUID, unit: UUID) -> Response:
        """Return the moves of its phases and the commands on the tenant's behalf, the newest first."""
        own = self.unit(group, unit)
        return Response({"moves": told(unit_history(own)), "commands": told(unit_commands(own))})


class UnitRetry(UnitApi):
    """Another attempt at what failed."""

    right = Right.OPERATE

    @extend_schema(request=None, responses=GroupOut)
    def post(self, request: Request, group: UUID, unit: UUID) -> Response:
        """Ask for it."""
        unit_retry(unit=self.unit(group, unit), actor=self.actor, now=timezone.now())
        return self.answer(group)


class UnitRollback(UnitApi):
    """One machine back to its source."""

    right = Right.CUT_OVER

    @extend_schema(request=None, responses=GroupOut)
    def post(self, request: Request, group: UUID, unit: UUID) -> Response:
        """Ask for it."""
        unit_rollback(unit=self.unit(group, unit), actor=self.actor, now=timezone.now())
        return self.answer(group)


class UnitConfirmed(UnitApi):
    """A decision about one machine, confirmed by its name."""

    right = Right.CUT_OVER
    ask: ClassVar[Request_]

    @extend_schema(request=ConfirmedIn, responses=GroupOut)
    def post(self, request: Request, group: UUID, unit: UUID) -> Response:
        """Decide."""
        asked = ConfirmedIn(data=request.data)
        asked.is_valid(raise_exception=True)
        more: dict[str, Any] = {"confirmation": asked.validated_data["confirmation"]}
        own = self.unit(group, unit)
        type(self).ask(unit=own, actor=self.actor, now=timezone.now(), **more)
        return self.answer(group)


class UnitAcceptUnverified(UnitConfirmed):
    """Take a machine whose copy could not be compared."""

    ask = staticmethod(unverified_accept)


class UnitDeclareOff(UnitConfirmed):
    """Vouch that the destination cannot write any more."""

    ask = staticmethod(destination_declared_off)


def confirmed(group: MigrationGroup, typed: str) -> None:
    """Raise ConfirmationWrong unless the group's name was typed."""
    if typed.strip() != group.name:
        raise ConfirmationWrong(
            "Nothing was changed.",
            why="What was typed is not the group's name.",
            remedy=f"Type {group.name} to confirm.",
        )
