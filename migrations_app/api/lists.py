"""Lists of migration groups: the organisation's own, and the provider's over all tenants."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from migrations_app.api.shapes import GroupIn, GroupOut, group_told, plan_of, told
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationGroup
from migrations_app.selectors import GroupFilter, group_detail, group_rows, groups_found
from migrations_app.selectors.groups import SORTS
from migrations_app.services import group_create
from tenants.domain.roles import Right
from tenants.interfaces import ProviderApi, TenantApi, listed

LISTED = extend_schema(
    responses=GroupOut(many=True),
    parameters=[
        OpenApiParameter("q", str, description="a part of the name"),
        OpenApiParameter("phase", str, enum=[phase.value for phase in Phase]),
        OpenApiParameter("open", bool, description="only what is still under way, or only what is closed"),
        OpenApiParameter("sort", str, enum=list(SORTS)),
    ],
)


class WantedIn(serializers.Serializer[object]):
    """Which groups."""

    q = serializers.CharField(max_length=100, default="", allow_blank=True)
    phase = serializers.ChoiceField([phase.value for phase in Phase], default=None)
    open = serializers.BooleanField(default=None, allow_null=True)
    sort = serializers.ChoiceField(list(SORTS), default="-created_at")


def wanted(request: Request) -> GroupFilter:
    """Return which groups the call is about; raises ValidationError for what is no such thing."""
    asked = WantedIn(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    given = asked.validated_data
    phase = given["phase"]
    return GroupFilter(
        text=given["q"],
        phase=Phase(phase) if phase else None,
        is_open=given["open"],
        sort=given["sort"],
    )


class Groups(TenantApi):
    """The organisation's groups."""

    rights = {"POST": Right.OPERATE}  # noqa: RUF012

    @LISTED
    def get(self, request: Request) -> Response:
        """Return the groups, the newest first unless asked otherwise."""
        rows, sort = groups_found(MigrationGroup.objects.visible_to(self.actor), of=wanted(request))
        return listed(request, rows, sort=sort, shown=lambda page: told(group_rows(page)))

    @extend_schema(request=GroupIn, responses={201: GroupOut})
    def post(self, request: Request) -> Response:
        """Plan a group."""
        asked = GroupIn(data=request.data)
        asked.is_valid(raise_exception=True)
        plan = plan_of(asked.validated_data)
        group = group_create(actor=self.actor, plan=plan, now=timezone.now())
        return Response(group_told(group_detail(group)), status=201)


class ProviderGroups(ProviderApi):
    """All tenants' groups."""

    @LISTED
    def get(self, request: Request) -> Response:
        """Return the groups of all tenants, the newest first unless asked otherwise."""
        rows, sort = groups_found(MigrationGroup.objects.all(), of=wanted(request))
        return listed(request, rows, sort=sort, shown=lambda page: told(group_rows(page)))
