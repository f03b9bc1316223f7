"""The metering ledger: appended to, never changed.

Sites and machines are named by plain ids: billing prices neutral facts and knows no agents.
"""

from django.db import models
from django.db.models import Q

from billing.domain.meters import Meter
from portal.lib.constraints import one_of
from tenants.models import TenantOwned


class BillingIdentity(TenantOwned):
    """A machine as billing knows it: our own row, since two vCenters may share every UUID."""

    site_id = models.UUIDField()
    moid = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "billing_identity"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site_id", "moid"], name="billing_identity_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Entitlement(TenantOwned):
    """A paid move of one machine to one destination; a later paid one has the next number."""

    identity = models.ForeignKey(BillingIdentity, on_delete=models.PROTECT, related_name="entitlements")
    destination_id = models.UUIDField()
    number = models.PositiveIntegerField()
    # What was committed (a migration unit's id): replaying it finds this row.
    cause = models.UUIDField()
    granted_at = models.DateTimeField()

    class Meta:
        db_table = "entitlement"
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "destination_id", "number"], name="entitlement_number_once"
            ),
            models.UniqueConstraint(fields=["tenant", "cause"], name="entitlement_cause_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="entitlement_counts_from_one"),
        ]

    def __str__(self) -> str:
        return f"entitlement {self.number}"


class MeterEvent(TenantOwned):
    """One fact of usage. A trigger refuses UPDATE and DELETE; a correction is a new event."""

    number = models.PositiveBigIntegerField()
    meter = models.CharField(max_length=32)
    identity = models.ForeignKey(BillingIdentity, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=38, decimal_places=12)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=64)
    dedupe_key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    schema_version = models.PositiveIntegerField(default=1)
    corrects = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    # SHA-256 over the event and the hash before it, hex: see domain.chain.
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "meter_event"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "meter", "dedupe_key"], name="meter_event_once"),
            models.UniqueConstraint(fields=["tenant", "number"], name="meter_event_number_once"),
            one_of("meter", Meter, name="meter_event_meter_known"),
        ]
        indexes = [
            # selectors.usage_page: a tenant's usage, newest first
            models.Index(fields=["tenant", "-occurred_at", "-id"], name="meter_event_by_time"),
            # selectors.usage_page: all tenants' usage, for the provider, hence no tenant_id in front
            models.Index(fields=["-occurred_at", "-id"], name="meter_event_anywhere"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class ChainHead(TenantOwned):
    """The last link of a tenant's chain of events; locked last in its transaction."""

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    class Meta:
        db_table = "chain_head"
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="chain_head_one_per_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.hash[:8]}"
