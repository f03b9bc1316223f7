"""Planning a group: machines, destination, networks, boot order, what to do about a guest that stays."""

from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from agents.models import Network, Offer, VirtualMachine
from migrations_app.domain.lifecycle import UNDER_WAY, ShutdownPolicy
from migrations_app.models import MigrationUnit
from migrations_app.models.group import CUTOVER_BUDGET_BYTES, SHUTDOWN_DEADLINE_S
from migrations_app.selectors.usage import OF_MOVES, uses_limited, uses_warned
from migrations_app.services import NameTaken, Plan, PlanInvalid, PlannedMachine, PlannedTier, group_create
from migrations_app.views.typed import number_typed
from portal.lib.whole import whole
from tenants.domain.quota import MigrationNotAllowed, QuotaExceeded
from tenants.domain.roles import Right
from tenants.domain.standing import TenantSuspended
from tenants.interfaces import TenantView

SHOWN_MAX = 100
OFFERS_SHOWN = 100
TIERS = range(1, 10)
MIB = 1 << 20
_BUDGET = "What may remain for the cut-over, in MiB,"
_RATE = "The rate limit, in MiB/s,"
_DEADLINE = "A shutdown deadline, in seconds,"


class NewGroup(TenantView):
    """A new group."""

    right: ClassVar = Right.OPERATE
    template = "migrations_app/new.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form."""
        return self.page(request.GET)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make the group, and go on to it; a refusal is told above the form, with all that was typed.

        `look` only shows the form again: for another destination's datastores, or for more machines.
        """
        if "look" in request.POST:
            return self.page(request.POST)
        try:
            plan = self.plan(request.POST)
            group = group_create(actor=self.actor, plan=plan, now=timezone.now())
        except (NameTaken, PlanInvalid, QuotaExceeded, MigrationNotAllowed, TenantSuspended) as refusal:
            return self.page(request.POST, refusal=refusal)
        for use in uses_warned(uses_limited(self.actor.tenant_id, only=OF_MOVES)):
            messages.warning(request, f"{use.label}: {use.sentence}.")
        return redirect("group", self.actor.tenant_id, group.id)

    def page(self, typed: QueryDict, **more: Any) -> HttpResponseBase:
        """Show the form with what was typed; chosen machines stay, whatever is searched for."""
        offers = list(Offer.objects.visible_to(self.actor).order_by("name", "id")[:OFFERS_SHOWN])
        offer = next((one for one in offers if str(one.id) == typed.get("offer")), next(iter(offers), None))
        text = typed.get("q", "").strip()[:100]
        chosen = _known(typed.getlist("machine"))
        rows = VirtualMachine.objects.visible_to(self.actor).filter(gone_at=None)
        found = rows.filter(name__icontains=text).exclude(id__in=chosen).order_by("name", "id")
        machines = [*rows.filter(id__in=chosen).order_by("name", "id"), *found[:SHOWN_MAX]]
        limited = uses_limited(self.actor.tenant_id, only=OF_MOVES)
        return self.show(
            offers=offers,
            offer=offer,
            machines=self._told(machines, chosen, typed),
            found=found.count() + len(chosen),
            total=rows.count(),
            networks=self._networks(machines, typed),
            policies=[policy.value for policy in ShutdownPolicy],
            tiers=TIERS,
            q=text,
            typed=typed,
            deadline=typed.get("deadline", SHUTDOWN_DEADLINE_S),
            budget=typed.get("budget", CUTOVER_BUDGET_BYTES // MIB),
            rate=typed.get("rate", 0),
            limited=limited,
            warned=uses_warned(limited),
            **more,
        )

    def _told(
        self, machines: list[VirtualMachine], chosen: set[UUID], typed: QueryDict
    ) -> list[dict[str, Any]]:
        """Return the machines with their place, and the open group that has one already."""
        held = MigrationUnit.objects.visible_to(self.actor).filter(machine__in=machines, phase__in=UNDER_WAY)
        groups = dict(held.values_list("machine_id", "group__name"))
        return [
            {
                "row": one,
                "chosen": one.id in chosen,
                "tier": whole(typed.get(f"tier-{one.id}"), 1),
                "group": groups.get(one.id, ""),
            }
            for one in machines
        ]

    def _networks(self, machines: list[VirtualMachine], typed: QueryDict) -> list[tuple[str, str, str]]:
        """Return the networks of these machines with what each is to become, by name."""
        moids = {nic["network_moid"] for machine in machines for nic in machine.nics}
        named = Network.objects.visible_to(self.actor).filter(moid__in=moids).values_list("moid", "name")
        pairs = sorted(set(named), key=lambda pair: pair[1])
        return [(moid, name, typed.get(f"network-{moid}", "")) for moid, name in pairs]

    def plan(self, typed: QueryDict) -> Plan:
        """Return what was typed as a plan. Raises PlanInvalid."""
        chosen = [_uuid(one) for one in typed.getlist("machine")]
        machines = [PlannedMachine(one, _number(typed, f"tier-{one}", 1, "A boot tier")) for one in chosen]
        policy = typed.get("policy", ShutdownPolicy.WAIT.value)
        return Plan(
            name=typed.get("name", ""),
            offer_id=_uuid(typed.get("offer", "")),
            datastore_moid=typed.get("datastore", ""),
            machines=machines,
            network_map=_networks(typed),
            tiers=[PlannedTier(number) for number in sorted({machine.tier for machine in machines})],
            keep_mac=typed.get("keep_mac") == "yes",
            cutover_budget_bytes=_number(typed, "budget", CUTOVER_BUDGET_BYTES // MIB, _BUDGET) * MIB,
            rate_limit=_number(typed, "rate", 0, _RATE) * MIB,
            shutdown_policy=ShutdownPolicy(policy) if policy in list(ShutdownPolicy) else ShutdownPolicy.WAIT,
            shutdown_deadline_s=_number(typed, "deadline", SHUTDOWN_DEADLINE_S, _DEADLINE),
        )


def _networks(typed: QueryDict) -> dict[str, str]:
    """Return which network of the source becomes which of the destination."""
    named = {key.removeprefix("network-"): str(typed[key]) for key in typed if key.startswith("network-")}
    return {source: destination for source, destination in named.items() if destination}


def _number(typed: QueryDict, field: str, held: int, what: str) -> int:
    return number_typed(typed.get(field), held, what=what)


def _known(texts: list[str]) -> set[UUID]:
    """Return those that are ids."""
    found = set()
    for text in texts:
        with suppress(ValueError):
            found.add(UUID(text))
    return found


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise PlanInvalid(
            "The group was not made.",
            why="No destination, or a machine that is not in the list, was chosen.",
            remedy="Choose again from the lists.",
        ) from error
