"""Organisations, people and their memberships."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q

from portal.lib.constraints import one_of
from tenants.domain.roles import PROVIDER_ROLES, Role, TenantKind
from tenants.domain.standing import TenantStanding
from tenants.models.owned import TenantOwned


class PersonManager(BaseUserManager["Person"]):
    """Makes people, who sign in by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        """Return a new person; without a password they cannot sign in by one."""
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractUser):
    """A human being who signs in; what they may do stands in their memberships."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, default="")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[PersonManager] = PersonManager()  # type: ignore[assignment]

    class Meta:
        db_table = "person"

    def __str__(self) -> str:
        return self.name or self.email


class Tenant(models.Model):
    """An organisation, fenced by its id. The provider is one, too: it owns its sites and agents."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, default=TenantKind.CUSTOMER.value)
    created_at = models.DateTimeField(auto_now_add=True)
    # The provider's row; null means the default one. Tenants read it through `policy_for`.
    policy = models.ForeignKey("tenants.Policy", null=True, on_delete=models.PROTECT, related_name="+")
    policy_since = models.DateTimeField(null=True)
    standing = models.CharField(max_length=16, default=TenantStanding.ACTIVE.value)
    standing_since = models.DateTimeField(null=True)
    standing_reason = models.TextField(default="")
    erased_at = models.DateTimeField(null=True)
    # Whoever has none is led to set one up and can do nothing else here.
    second_factor_required = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "tenant"
        constraints = [
            one_of("kind", TenantKind, name="tenant_kind_known"),
            one_of("standing", TenantStanding, name="tenant_standing_known"),
            models.CheckConstraint(
                condition=Q(kind=TenantKind.CUSTOMER.value) | Q(standing=TenantStanding.ACTIVE.value),
                name="tenant_provider_is_active",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(standing=TenantStanding.CLOSED.value),
                name="tenant_erased_is_closed",
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind=TenantKind.PROVIDER.value), name="tenant_one_provider"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(TenantOwned):
    """A person's role in an organisation."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=24)

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_one_per_person"),
            one_of("role", Role, name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.tenant_id}"

    @property
    def is_provider_s(self) -> bool:
        """Return whether the role exists at the provider only."""
        return Role(self.role) in PROVIDER_ROLES
