"""What the API of migration groups takes and answers."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework import serializers
from rest_framework_dataclasses.serializers import DataclassSerializer

from migrations_app.domain.learning import MOST_BYTES
from migrations_app.domain.lifecycle import ShutdownPolicy, TierGate
from migrations_app.models.group import CUTOVER_BUDGET_BYTES, SHUTDOWN_DEADLINE_S
from migrations_app.selectors import GroupDetail, GroupRow, UnitRow
from migrations_app.services import Plan, PlannedMachine, PlannedTier
from migrations_app.services.plan import TIER_MAX

Choices = serializers.ChoiceField


class MachineIn(serializers.Serializer[object]):
    """A machine and its boot tier."""

    machine = serializers.UUIDField()
    tier = serializers.IntegerField(min_value=1, max_value=TIER_MAX, default=1)


class TierIn(serializers.Serializer[object]):
    """A boot tier: how long it waits after the one before, and what it waits for."""

    number = serializers.IntegerField(min_value=1, max_value=TIER_MAX)
    delay_s = serializers.IntegerField(min_value=0, max_value=3600, default=0)
    gate = Choices([gate.value for gate in TierGate], default=TierGate.RUNNING.value)
    gate_limit_s = serializers.IntegerField(min_value=1, max_value=3600, default=300)


class PlaceIn(serializers.Serializer[object]):
    """A unit of the group and its boot tier."""

    unit = serializers.UUIDField()
    tier = serializers.IntegerField(min_value=1, max_value=TIER_MAX)


class OrderIn(serializers.Serializer[object]):
    """A boot order."""

    tiers = TierIn(many=True, allow_empty=False)
    units = PlaceIn(many=True, default=list)


class GroupIn(serializers.Serializer[object]):
    """The whole plan of a group."""

    name = serializers.CharField(max_length=200)
    offer = serializers.UUIDField(help_text="a destination")
    datastore = serializers.CharField(max_length=64)
    network_map = serializers.DictField(child=serializers.CharField(max_length=64), default=dict)
    machines = MachineIn(many=True, allow_empty=False)
    tiers = TierIn(many=True, default=list)
    keep_mac = serializers.BooleanField(default=True)
    cutover_budget_bytes = serializers.IntegerField(
        min_value=0, max_value=MOST_BYTES, default=CUTOVER_BUDGET_BYTES
    )
    shutdown_policy = Choices([policy.value for policy in ShutdownPolicy], default=ShutdownPolicy.WAIT.value)
    shutdown_deadline_s = serializers.IntegerField(min_value=1, max_value=3600, default=SHUTDOWN_DEADLINE_S)
    rate_limit = serializers.IntegerField(
        min_value=0, max_value=MOST_BYTES, default=0, help_text="bytes per second; 0: none"
    )


class CutoverIn(serializers.Serializer[object]):
    """A cut-over, confirmed by the group's name; without `at` it begins now."""

    confirmation = serializers.CharField(max_length=200)
    at = serializers.DateTimeField(required=False)


class BudgetIn(serializers.Serializer[object]):
    """Limits that may be changed under way; what is not named stays."""

    cutover_budget_bytes = serializers.IntegerField(min_value=0, max_value=MOST_BYTES, required=False)
    rate_limit = serializers.IntegerField(min_value=0, max_value=MOST_BYTES, required=False)


class ConfirmedIn(serializers.Serializer[object]):
    """A decision, confirmed by the name of what it is about."""

    confirmation = serializers.CharField(max_length=255)


class FindingOut(serializers.Serializer[object]):
    """One check of a pre-flight that did not pass."""

    code = serializers.CharField()
    severity = serializers.CharField()
    machine = serializers.CharField()
    what = serializers.CharField()
    evidence = serializers.CharField()
    remedy = serializers.CharField()


class GroupOut(DataclassSerializer[GroupRow]):
    """A group in a list."""

    class Meta:
        dataclass = GroupRow


class UnitOut(DataclassSerializer[UnitRow]):
    """A machine on its way."""

    class Meta:
        dataclass = UnitRow


def told(row: Any) -> Any:
    """Return a row as plain JSON types."""
    return msgspec.to_builtins(row, str_keys=True)


def group_told(detail: GroupDetail) -> dict[str, Any]:
    """Return a group as the API tells it: the row's own fields in front, its units beside them."""
    content: dict[str, Any] = told(detail)
    units = [unit_told(unit) for unit in content.pop("units")]
    tiers = [{**tier, "units": [unit["id"] for unit in tier["units"]]} for tier in content.pop("tiers")]
    return {**content.pop("row"), **content, "units": units, "tiers": tiers}


def unit_told(unit: dict[str, Any]) -> dict[str, Any]:
    """Return a unit with the totals that people ask for by name."""
    return {**unit, "bytes_allocated": unit["allocated_bytes"], "bytes_on_wire": unit["wire_bytes"]}


def plan_of(asked: Mapping[str, Any]) -> Plan:
    """Return what was asked for as a plan."""
    return Plan(
        name=asked["name"],
        offer_id=asked["offer"],
        datastore_moid=asked["datastore"],
        machines=[PlannedMachine(one["machine"], one["tier"]) for one in asked["machines"]],
        network_map=asked["network_map"],
        tiers=[tier_of(tier) for tier in asked["tiers"]],
        keep_mac=asked["keep_mac"],
        cutover_budget_bytes=asked["cutover_budget_bytes"],
        shutdown_policy=ShutdownPolicy(asked["shutdown_policy"]),
        shutdown_deadline_s=asked["shutdown_deadline_s"],
        rate_limit=asked["rate_limit"],
    )


def tier_of(tier: Mapping[str, Any]) -> PlannedTier:
    """Return a boot tier that was asked for."""
    return PlannedTier(tier["number"], tier["delay_s"], TierGate(tier["gate"]), tier["gate_limit_s"])
