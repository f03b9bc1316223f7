"""One virtual machine in a group, its rounds, and the history of its phases."""

from django.db import models
from django.db.models import F, Q

from agents.models import Agent, VirtualMachine
from migrations_app.domain.lifecycle import UNDER_WAY, Phase
from migrations_app.models.group import MigrationGroup
from portal.lib.constraints import one_of
from portal.lib.transitions import Phased
from tenants.models import TenantOwned


class MigrationUnit(TenantOwned, Phased):
    """One virtual machine in a group.

    The destination's agents are the provider's, hence plain ids: their rows are fenced from this tenant.
    """

    group = models.ForeignKey(MigrationGroup, on_delete=models.CASCADE, related_name="units")
    machine = models.ForeignKey(VirtualMachine, on_delete=models.PROTECT, related_name="+")
    # As it was called when it was planned; the new machine gets this name.
    name = models.CharField(max_length=255)
    tier = models.PositiveIntegerField(default=1)
    source = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="+")
    source_connector = models.ForeignKey(Agent, null=True, on_delete=models.PROTECT, related_name="+")
    destination_agent_id = models.UUIDField(null=True)
    destination_connector_id = models.UUIDField(null=True)
    destination_host_moid = models.CharField(max_length=64, default="")
    destination_machine_moid = models.CharField(max_length=64, default="")
    generation = models.PositiveIntegerField(default=1)
    # Above `generation`: a person wants the machine back, and the way back has not begun.
    wanted_generation = models.PositiveIntegerField(default=1)
    # A person wants a failed unit to go on from where it failed.
    retry_wanted = models.BooleanField(default=False)
    failed_in = models.CharField(max_length=32, default="")
    # The source may have been shut down or frozen: the way back fences the destination first.
    quiesced = models.BooleanField(default=False)
    was_powered_on = models.BooleanField(null=True)
    unverified_accepted = models.BooleanField(default=False)
    fence_waived = models.BooleanField(default=False)
    ready_at = models.DateTimeField(null=True)
    frozen_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    committed_at = models.DateTimeField(null=True)
    # {condition code: since, ISO 8601}
    conditions = models.JSONField(default=dict)
    # What the steps answered, by step: see domain.learning.
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "migration_unit"
        constraints = [
            models.UniqueConstraint(fields=["group", "machine"], name="migration_unit_machine_once"),
            models.UniqueConstraint(
                fields=["machine"],
                condition=Q(phase__in=sorted(phase.value for phase in UNDER_WAY)),
                name="migration_unit_one_group_under_way",
            ),
            one_of("phase", Phase, name="migration_unit_phase_known"),
            models.CheckConstraint(
                condition=Q(source__isnull=True)
                | Q(destination_agent_id__isnull=True)
                | ~Q(source=F("destination_agent_id")),
                name="migration_unit_has_two_ends",
            ),
            models.CheckConstraint(
                condition=Q(wanted_generation__gte=F("generation")), name="migration_unit_wanted_not_below"
            ),
            models.CheckConstraint(
                condition=~Q(phase=Phase.COMMITTED.value) | Q(committed_at__isnull=False),
                name="migration_unit_commit_has_a_time",
            ),
        ]
        indexes = [
            # selectors: the units of a page of groups
            models.Index(fields=["tenant", "group", "tier", "name"], name="migration_unit_by_group"),
            # portal.pages: what is under way or stopped among very many that have come to rest
            models.Index(fields=["tenant", "phase"], name="migration_unit_by_phase"),
        ]

    def __str__(self) -> str:
        return self.name


class UnitRound(TenantOwned):
    """One delta round of a unit, in bytes and seconds; the `final` one ran under the freeze."""

    unit = models.ForeignKey(MigrationUnit, on_delete=models.PROTECT, related_name="rounds")
    generation = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    planned = models.PositiveBigIntegerField()
    content = models.PositiveBigIntegerField()
    wire = models.PositiveBigIntegerField()
    remaining = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField()
    final = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        db_table = "migration_round"
        constraints = [
            models.UniqueConstraint(fields=["unit", "generation", "number"], name="migration_round_once"),
        ]

    def __str__(self) -> str:
        return f"round {self.generation}.{self.number}"


class Transition(TenantOwned):
    """One move of a unit, kept for good."""

    unit = models.ForeignKey(MigrationUnit, on_delete=models.PROTECT, related_name="transitions")
    from_phase = models.CharField(max_length=32)
    to_phase = models.CharField(max_length=32)
    generation = models.PositiveIntegerField()
    reason = models.TextField()
    at = models.DateTimeField()
    # A decision may take several steps in one moment.
    number = models.PositiveIntegerField()

    class Meta:
        db_table = "migration_transition"
        constraints = [
            models.UniqueConstraint(fields=["unit", "number"], name="migration_transition_number_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "unit", "at"], name="migration_transition_by_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.from_phase} to {self.to_phase}"
