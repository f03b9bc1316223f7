"""The boot order of a group: its tiers, and each machine's place in them."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from migrations_app.api.groups import GroupApi
from migrations_app.api.shapes import GroupOut, OrderIn, tier_of
from migrations_app.services import tiers_update
from tenants.domain.roles import Right


class GroupTiers(GroupApi):
    """The boot order."""

    right: ClassVar = Right.OPERATE

    @extend_schema(request=OrderIn, responses=GroupOut)
    def put(self, request: Request, group: UUID) -> Response:
        """Replace it, until the cut-over is asked for; a machine that is not named stays where it is."""
        asked = OrderIn(data=request.data)
        asked.is_valid(raise_exception=True)
        tiers = [tier_of(tier) for tier in asked.validated_data["tiers"]]
        places = {one["unit"]: one["tier"] for one in asked.validated_data["units"]}
        tiers_update(group=self.group(group), actor=self.actor, tiers=tiers, units=places)
        return self.answer(group)
