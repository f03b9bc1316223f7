"""A migration group and its boot tiers."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from agents.models import Offer
from migrations_app.domain.lifecycle import Desired, ShutdownPolicy, TierGate
from portal.lib.constraints import one_of
from tenants.models import TenantOwned

CUTOVER_BUDGET_BYTES = 64 * 1024 * 1024
SHUTDOWN_DEADLINE_S = 300


class MigrationGroup(TenantOwned):
    """Virtual machines that move together, and what people want of them."""

    name = models.CharField(max_length=200)
    # The provider's site that is granted to this tenant; datastore and networks are moids of it.
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+")
    datastore_moid = models.CharField(max_length=64)
    # {source network moid: destination network moid}
    network_map = models.JSONField(default=dict)
    keep_mac = models.BooleanField(default=True)
    desired = models.CharField(max_length=16, default=Desired.HOLD.value)
    desired_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    paused = models.BooleanField(default=False)
    # Rises with every rollback of the whole group; each unit has a fencing number of its own.
    generation = models.PositiveIntegerField(default=1)
    cutover_at = models.DateTimeField(null=True)
    cutover_budget_bytes = models.PositiveBigIntegerField(default=CUTOVER_BUDGET_BYTES)
    shutdown_policy = models.CharField(max_length=16, default=ShutdownPolicy.WAIT.value)
    shutdown_deadline_s = models.PositiveIntegerField(default=SHUTDOWN_DEADLINE_S)
    # Bytes per second and machine on the wire; 0 is as fast as it goes.
    rate_limit = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    wake_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "migration_group"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="migration_group_name_once"),
            one_of("desired", Desired, name="migration_group_desired_known"),
            one_of("shutdown_policy", ShutdownPolicy, name="migration_group_policy_known"),
        ]
        indexes = [
            # due_groups(): looks across tenants, hence no tenant_id in front
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="migration_group_due"),
            # selectors.groups_page: the list, newest first
            models.Index(fields=["tenant", "-created_at", "-id"], name="migration_group_by_age"),
            # the same for all tenants, as the provider sees it, hence no tenant_id in front
            models.Index(fields=["-created_at", "-id"], name="group_by_age_anywhere"),
        ]

    def __str__(self) -> str:
        return self.name


class BootTier(TenantOwned):
    """One place in the boot order: the next tier is cut over when this one has passed its gate."""

    group = models.ForeignKey(MigrationGroup, on_delete=models.CASCADE, related_name="tiers")
    number = models.PositiveIntegerField()
    delay_s = models.PositiveIntegerField(default=0)
    gate = models.CharField(max_length=16, default=TierGate.RUNNING.value)
    gate_limit_s = models.PositiveIntegerField(default=300)

    class Meta:
        db_table = "boot_tier"
        constraints = [
            models.UniqueConstraint(fields=["group", "number"], name="boot_tier_number_once"),
            one_of("gate", TierGate, name="boot_tier_gate_known"),
        ]

    def __str__(self) -> str:
        return f"tier {self.number}"
