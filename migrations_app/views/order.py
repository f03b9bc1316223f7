"""The boot order on a group's page: each machine's tier, what a tier waits for, buttons that move by one."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase, QueryDict

from migrations_app.domain.lifecycle import TierGate
from migrations_app.models import BootTier
from migrations_app.services import PlanInvalid, PlannedTier, tiers_update
from migrations_app.services.plan import TIER_MAX
from migrations_app.views.group import GroupView
from migrations_app.views.typed import number_typed
from tenants.domain.roles import Right

WAIT_MAX_S = 3600


class BootOrder(GroupView):
    """The boot tiers and each machine's place in them."""

    right: ClassVar = Right.OPERATE

    def post(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Set them; a tier that is named by no machine is dropped."""
        own, typed = self.group(group), request.POST
        places = {
            unit.id: _number(typed.get(f"tier-{unit.id}"), unit.tier, f"The tier of {unit.name}", TIER_MAX)
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
    delay, limit = f"The delay of tier {number}, in seconds,", f"The limit of tier {number}, in seconds,"
    return PlannedTier(
        number,
        delay_s=number_typed(typed.get(f"delay-{number}"), kept.delay_s, what=delay, most=WAIT_MAX_S),
        gate=_gate(typed.get(f"gate-{number}"), kept.gate),
        gate_limit_s=_number(typed.get(f"limit-{number}"), kept.gate_limit_s, limit, WAIT_MAX_S),
    )


def _number(text: str | None, held: int, what: str, most: int) -> int:
    return number_typed(text, held, what=what, least=1, most=most)


def _gate(text: str | None, held: TierGate) -> TierGate:
    if text and text not in list(TierGate):
        raise PlanInvalid(
            "Nothing was changed.",
            why="What the next tier waits for is not one of the choices.",
            remedy="Choose again from the list.",
        )
    return TierGate(text) if text else held
