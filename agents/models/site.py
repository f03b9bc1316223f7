"""Sites, and which of the provider's sites a tenant may move to."""

from django.db import models

from agents.domain.site import SiteState
from portal.lib.constraints import one_of
from tenants.models import TenantOwned


class Site(TenantOwned):
    """A vCenter and its place. Inventory is keyed by (this row, moid): two vCenters may share every UUID."""

    name = models.CharField(max_length=200)
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField(default=443)
    username = models.CharField(max_length=200)
    # Sealed to the connector's X25519 key (agents.domain.sealing); the portal cannot read it.
    sealed_password = models.BinaryField(default=b"")
    # SHA-256 of the vCenter certificate's DER, hex, that a person accepted; empty until then.
    fingerprint = models.CharField(max_length=64, default="")
    seen_fingerprint = models.CharField(max_length=64, default="")
    connector = models.ForeignKey("agents.Agent", null=True, on_delete=models.SET_NULL, related_name="+")
    # Rises whenever address, credentials, certificate or connector change; fences older watchers.
    generation = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=24, default=SiteState.NEW.value)
    state_code = models.CharField(max_length=24, default="")
    state_reason = models.TextField(default="")
    state_since = models.DateTimeField(null=True)
    # The password was refused: nobody tries again until a person enters it anew, or accounts get locked.
    halted = models.BooleanField(default=False)
    about = models.JSONField(default=dict)
    inventory_at = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "site"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="site_name_once"),
            one_of("state", SiteState, name="site_state_known"),
        ]
        indexes = [
            # due_sites(): looks across tenants, hence no tenant_id in front
            models.Index(fields=["wake_at"], condition=models.Q(wake_at__isnull=False), name="site_due"),
        ]

    def __str__(self) -> str:
        return self.name


class Offer(TenantOwned):
    """One of the provider's sites as a destination for one tenant: what that tenant may see of it.

    A copy and not a reference, since the site's own rows belong to the provider and are fenced.
    `refresh` keeps it true (agents.services.offers).
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    connector_id = models.UUIDField(null=True)
    # [{"moid", "name", "free_bytes", "capacity_bytes"}]
    datastores = models.JSONField(default=list)
    # [{"moid", "name"}]
    networks = models.JSONField(default=list)
    # [{"moid", "name", "agent_id", "address", "fingerprint", "datastores": [moid]}]
    hosts = models.JSONField(default=list)
    # Names of the machines there: a plan that would take one is told before it starts.
    machine_names = models.JSONField(default=list)
    refreshed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "offer"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site"], name="offer_site_once"),
        ]

    def __str__(self) -> str:
        return self.name
