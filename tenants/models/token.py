"""API tokens: what a program shows instead of a session."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tenants.models.owned import TenantOwned


class ApiToken(TenantOwned):
    """A token of one member for one organisation. Its secret is told once; only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    # At most these; what its maker may do at the moment of a call is looked at anew.
    rights = ArrayField(models.CharField(max_length=32))
    # By which it is found. Random, so that its being unique tells nobody of another tenant's.
    public_id = models.CharField(max_length=16)
    hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_address = models.CharField(max_length=45, default="")

    class Meta:
        db_table = "api_token"
        constraints = [
            # token_by_public_id(): looks across tenants, hence no tenant_id in front
            models.UniqueConstraint(fields=["public_id"], name="api_token_public_id_once"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="api_token_expires_later"
            ),
        ]
        indexes = [
            # The page of tokens: the newest first.
            models.Index(fields=["tenant", "-created_at", "-id"], name="api_token_newest"),
        ]

    def __str__(self) -> str:
        return self.name
