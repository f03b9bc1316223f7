"""Host agents, and the one-off keys that enrol them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from agents.domain.agent import AgentState
from agents.models.site import Site
from portal.lib.constraints import one_of
from tenants.models import TenantOwned


class Agent(TenantOwned):
    """A host agent: the program beside the filter engine on one hypervisor host, a connector, or both."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="agents")
    name = models.CharField(max_length=200)
    # The host it serves, by the name that vCenter gives it; empty for a connector alone.
    host_name = models.CharField(max_length=255, default="")
    duties = ArrayField(models.CharField(max_length=16), default=list)
    state = models.CharField(max_length=16, default=AgentState.ENROLLED.value)
    enrolled_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # Raw public keys: Ed25519 for its signatures, X25519 for what is sealed to it.
    signing_key = models.BinaryField(default=b"")
    sealing_key = models.BinaryField(default=b"")
    # Its certificate for the data plane, issued by the portal's agent authority; the SHA-256 of its DER, hex.
    certificate = models.TextField(default="")
    fingerprint = models.CharField(max_length=64, default="")
    # SHA-256 of the short-lived bearer.
    bearer_hash = models.BinaryField(null=True)
    bearer_expires_at = models.DateTimeField(null=True)
    # By heartbeats: host:port where its receiver listens, version, capabilities, clock (its own minus ours).
    address = models.CharField(max_length=255, default="")
    version = models.CharField(max_length=40, default="")
    capabilities = models.JSONField(default=dict)
    clock_skew_ms = models.IntegerField(default=0)
    last_seen_at = models.DateTimeField(null=True)
    heartbeat_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "agent"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="agent_name_once"),
            one_of("state", AgentState, name="agent_state_known"),
        ]
        indexes = [
            # agent_by_bearer(): looks across tenants, hence no tenant_id in front
            models.Index(fields=["bearer_hash"], condition=Q(bearer_hash__isnull=False), name="agent_bearer"),
            models.Index(fields=["tenant", "site"], name="agent_by_site"),
            # agents_revoked(): every gateway asks every two seconds
            models.Index(fields=["revoked_at"], condition=Q(revoked_at__isnull=False), name="agent_revoked"),
        ]

    def __str__(self) -> str:
        return self.name


class Enrolment(TenantOwned):
    """A one-off key that lets one agent in; only its hash is kept."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    token_hash = models.BinaryField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "enrolment"
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="enrolment_token_once"),
        ]

    def __str__(self) -> str:
        return f"enrolment of {self.created_at:%Y-%m-%d %H:%M}"
