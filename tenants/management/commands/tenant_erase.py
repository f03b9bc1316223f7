"""`manage.py tenant_erase`: remove a closed tenant's people and estate; what the law needs stays."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction
from django.db.models import ForeignKey, Model
from django.utils import timezone

from portal.lib.tenancy import SETTING
from tenants.domain.standing import TenantStanding
from tenants.models import Tenant, TenantOwned

OWNER = "migrate"
"""The connection of the tables' owner: no process that serves people or agents may delete these rows."""
KEPT_APPS = frozenset({"billing"})
KEPT_TABLES = ("audit_", "standing_change", "policy")


class Command(BaseCommand):
    """Erases one closed tenant."""

    help = "Remove a closed tenant's memberships and estate. Meter events, prices and audit stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the tenant's id, its name typed to confirm, and the owner's connection.

        `./landfall manage` gives the owner's password to whoever asks for that connection, and to no other.
        """
        parser.add_argument("tenant", type=UUID)
        parser.add_argument("--confirm", required=True, help="the tenant's name")
        parser.add_argument("--database", choices=[OWNER], default=OWNER, help="the owner's connection")

    def handle(self, *_: Any, **options: Any) -> None:
        """Erase it in one transaction."""
        tenant_id: UUID = options["tenant"]
        with transaction.atomic(using=OWNER):
            _enter(tenant_id)
            tenant = Tenant.objects.using(OWNER).select_for_update().filter(id=tenant_id).first()
            if tenant is None:
                raise CommandError("There is no such tenant.")
            if tenant.standing != TenantStanding.CLOSED:
                raise CommandError(
                    f"{tenant.name} is {tenant.standing}. Close it first, and export its data."
                )
            if options["confirm"].strip() != tenant.name:
                raise CommandError(f"Nothing was erased: type --confirm '{tenant.name}'.")
            gone = _erase(tenant_id)
            Tenant.objects.using(OWNER).filter(id=tenant_id).update(erased_at=timezone.now())
        self.stdout.write(f"{sum(gone.values())} rows of {tenant.name} are erased.")


def models_erased() -> list[type[Model]]:
    """Return the models whose rows go, those that refer to others first."""
    owned = [model for model in apps.get_models() if issubclass(model, TenantOwned) and not _is_kept(model)]
    ordered: list[type[Model]] = []
    while owned:
        held = {needed for model in owned for needed in _needed(model) if needed is not model}
        free = [model for model in owned if model not in held]
        if not free:
            raise CommandError("Tables refer to each other in a circle.")
        ordered += free
        owned = [model for model in owned if model not in free]
    return ordered


def _is_kept(model: type[Model]) -> bool:
    return model._meta.app_label in KEPT_APPS or model._meta.db_table.startswith(KEPT_TABLES)


def _needed(model: type[Model]) -> set[Any]:
    """Return the models that a row of this one cannot be without."""
    return {field.related_model for field in _references([model]) if not field.null}


def _references(models: Iterable[type[Model]]) -> list[ForeignKey[Any, Any]]:
    fields = [field for model in models for field in model._meta.concrete_fields]
    return [field for field in fields if isinstance(field, ForeignKey)]


def _erase(tenant_id: UUID) -> dict[str, int]:
    """Delete the rows, after the references that may be empty: a site names an agent that names the site."""
    models = models_erased()
    loose = [field for field in _references(models) if field.null and field.related_model in models]
    with connections[OWNER].cursor() as cursor:
        for field in loose:
            table = field.model._meta.db_table
            cursor.execute(
                f"UPDATE {table} SET {field.column} = NULL WHERE tenant_id = %s",  # noqa: S608  our own names
                [tenant_id],
            )
        gone = {}
        for model in models:
            table = model._meta.db_table
            cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant_id])  # noqa: S608
            gone[table] = cursor.rowcount
    return gone


def _enter(tenant_id: UUID) -> None:
    """Enter the tenant: its own tables are fenced for their owner, too."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id)])
