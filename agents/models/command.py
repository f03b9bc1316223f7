"""Commands to agents, and what agents report."""

from django.db import models
from django.db.models import Q

from agents.domain.delivery import OPEN, CommandPhase, ReportKind
from agents.models.agent import Agent
from portal.lib.constraints import one_of
from portal.lib.transitions import Phased
from tenants.models import TenantOwned


class Command(TenantOwned, Phased):
    """One order to one agent about one unit. Its id comes from its key: see `CommandKey`."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    unit_id = models.UUIDField()
    generation = models.PositiveIntegerField()
    step = models.CharField(max_length=40)
    round = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    body = models.JSONField()
    deliver_after = models.DateTimeField()
    deadline = models.DateTimeField()
    deliveries = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    # What the agent last said of a command under way.
    progress = models.JSONField(default=dict)
    progress_at = models.DateTimeField(null=True)
    # Ed25519 by the portal over agents.domain.protocol.command_digest.
    signature = models.BinaryField(default=b"")

    class Meta:
        db_table = "command"
        constraints = [
            models.UniqueConstraint(fields=["unit_id", "generation", "seq"], name="command_seq_once"),
            models.UniqueConstraint(
                fields=["unit_id"],
                condition=Q(phase__in=sorted(phase.value for phase in OPEN)),
                name="command_one_open_per_unit",
            ),
            one_of("phase", CommandPhase, name="command_phase_known"),
        ]
        indexes = [
            # services.commands_claim: what is due for one agent
            models.Index(
                fields=["tenant", "agent", "deliver_after"],
                condition=Q(phase=CommandPhase.PENDING.value),
                name="command_due",
            ),
            # commands_for(), agents_due(): what waits for an agent, on whosever behalf
            models.Index(
                fields=["agent", "deliver_after"],
                condition=Q(phase=CommandPhase.PENDING.value),
                name="command_due_by_agent",
            ),
            # due_commands(): all tenants, for the tick
            models.Index(
                fields=["deliver_after"],
                condition=Q(phase=CommandPhase.PENDING.value),
                name="command_due_anywhere",
            ),
            # views.Commands: all of a tenant's, newest first
            models.Index(fields=["tenant", "-phase_since", "-id"], name="command_by_time"),
            # selectors.commands_of_unit: what a tenant sees of the commands on its behalf
            models.Index(fields=["tenant", "unit_id", "generation", "seq"], name="command_by_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.generation}.{self.seq}"


class Report(TenantOwned):
    """What an agent said about a command, in its own numbering; also the command's history."""

    command = models.ForeignKey(Command, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    body = models.JSONField()
    received_at = models.DateTimeField()
    signature = models.BinaryField(default=b"")
    # Set when the report's effect on its command has been decided; the gateway only stores.
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "report"
        constraints = [
            models.UniqueConstraint(fields=["command", "number"], name="report_number_once"),
            models.CheckConstraint(
                condition=Q(number=0, kind=ReportKind.CLOSED.value)
                | (Q(number__gt=0) & ~Q(kind=ReportKind.CLOSED.value)),
                name="report_zero_is_the_portal_s",
            ),
        ]
        indexes = [
            # due_reports(): looks across tenants, hence no tenant_id in front
            models.Index(fields=["received_at"], condition=Q(applied_at__isnull=True), name="report_due"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"
