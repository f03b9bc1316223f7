"""The boot order on a group's page: each machine's tier, what a tier waits for, buttons that move by one."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, QueryDict

from migrations_app.domain.lifecycle import TierGate
from migrations_app.models import BootTier
from migrations_app.services import PlannedTier, tiers_update
from migrations_app.views.group import GroupView
from portal.lib.whole import whole
from tenants.domain.roles import Right

TIER_MAX = 99
WAIT_MAX_S = 3600


class BootOrder(GroupView):
    """The boot tiers and each machine's place in them."""

    right: ClassVar = Right.OPERATE

    def post(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Set them; a tier that is named by no machine is dropped."""
        own, typed = self.group(group), request.POST
        places = {
            unit.id: whole(typed.get(f"tier-{unit.id}"), unit.tier, least=1, most=TIER_MAX)
            for unit in own.units.all()
        }
        places |= _moved(typed.get("move", ""), places)
        old = {tier.number: tier for tier in own.tiers.all()}
        tiers = [_tier(number, old.get(number), typed) for number in sorted(set(places.values()))]
        tiers_update(group=own, actor=self.actor, tiers=tiers, units=places)
        return self.back(group)


def _moved(text: str, places: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return the machine that `text` (<unit>:up or <unit>:down) names with its new tier; else nothing."""
    name, _, way = text.partition(":")
    step = {"up": -1, "down": 1}.get(way, 0)
    return {
        unit: min(max(tier + step, 1), TIER_MAX)
        for unit, tier in places.items()
        if step and str(unit) == name
    }


def _tier(number: int, old: BootTier | None, typed: QueryDict) -> PlannedTier:
    kept = PlannedTier(number)
    if old is not None:
        gate = TierGate(old.gate)
        kept = PlannedTier(number, delay_s=old.delay_s, gate=gate, gate_limit_s=old.gate_limit_s)
    asked = typed.get(f"gate-{number}", "")
    return PlannedTier(
        number,
        delay_s=whole(typed.get(f"delay-{number}"), kept.delay_s, most=WAIT_MAX_S),
        gate=TierGate(asked) if asked in list(TierGate) else kept.gate,
        gate_limit_s=whole(typed.get(f"limit-{number}"), kept.gate_limit_s, least=1, most=WAIT_MAX_S),
    )
