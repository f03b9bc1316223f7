"""Policies: what the provider allows its tenants; and how a tenant's standing changed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.lib.constraints import one_of
from tenants.domain.quota import Measure
from tenants.domain.standing import TenantStanding
from tenants.models.owned import TenantOwned


class Policy(TenantOwned):
    """Limits under a name, the provider's row; a tenant reads its own through `policy_for` alone.

    The default one holds for every tenant that has none of its own. Soft limits warn, hard ones hold;
    null is no limit. Sizes are in bytes, bandwidth in bytes per second: see `tenants.domain.quota`.
    """

    name = models.CharField(max_length=200)
    # Whom a tenant asks for more: an address or a telephone number.
    contact = models.CharField(max_length=200, default="")
    is_default = models.BooleanField(default=False)
    # Rises with each change; a form that was filled from an older one is refused.
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    migration_in = models.BooleanField(default=True)
    moving_soft = models.PositiveBigIntegerField(null=True)
    moving_hard = models.PositiveBigIntegerField(null=True)
    machines_soft = models.PositiveBigIntegerField(null=True)
    machines_hard = models.PositiveBigIntegerField(null=True)
    bytes_soft = models.PositiveBigIntegerField(null=True)
    bytes_hard = models.PositiveBigIntegerField(null=True)
    bandwidth_soft = models.PositiveBigIntegerField(null=True)
    bandwidth_hard = models.PositiveBigIntegerField(null=True)
    sites_soft = models.PositiveBigIntegerField(null=True)
    sites_hard = models.PositiveBigIntegerField(null=True)
    agents_soft = models.PositiveBigIntegerField(null=True)
    agents_hard = models.PositiveBigIntegerField(null=True)
    people_soft = models.PositiveBigIntegerField(null=True)
    people_hard = models.PositiveBigIntegerField(null=True)

    class Meta:
        db_table = "policy"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="policy_name_once"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_default=True), name="policy_one_default"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{measure.value}_soft__isnull": True})
                    | Q(**{f"{measure.value}_hard__isnull": True})
                    | Q(**{f"{measure.value}_soft__lte": F(f"{measure.value}_hard")}),
                    name=f"policy_{measure.value}_warns_first",
                )
                for measure in Measure
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StandingChange(TenantOwned):
    """One change of a tenant's standing, kept for good."""

    from_standing = models.CharField(max_length=16)
    to_standing = models.CharField(max_length=16)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "standing_change"
        constraints = [
            one_of("to_standing", TenantStanding, name="standing_change_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-at"], name="standing_change_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.from_standing} to {self.to_standing}"
