"""The tenant of a transaction: what row-level security compares every row with."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

SETTING = "landfall.tenant_id"
PROVIDER_SETTING = "landfall.provider"


class TenantMixed(Exception):
    """Code of one tenant tried to enter another in the same transaction."""


@contextmanager
def tenant_context(tenant_id: UUID) -> Iterator[None]:
    """Run the block in a transaction that sees the rows of `tenant_id` and no others.

    Entering the same tenant again is fine; another one raises TenantMixed.
    """
    with transaction.atomic():
        outer = tenant_current()
        if outer not in (None, tenant_id):
            raise TenantMixed(f"already in tenant {outer}, asked for {tenant_id}")
        _tenant_set(tenant_id)
        yield
        # The setting lasts as long as the outermost transaction, which may not be ours.
        _tenant_set(outer)


def tenant_current() -> UUID | None:
    """Return the tenant of the current transaction, or None outside any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true)", [SETTING])
        (value,) = cursor.fetchone()
    return UUID(value) if value else None


def _tenant_set(tenant_id: UUID | None) -> None:
    """Set the tenant for the transaction only (SET LOCAL), so that a pooler can stand in between."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id or "")])


@contextmanager
def provider_context() -> Iterator[None]:
    """Run the block in a transaction in which the web role reads the rows of all tenants, and writes none.

    The caller has proved that the person is the provider's; see `tenants.domain.roles`.
    """
    with transaction.atomic():
        _provider_set("on")
        yield
        _provider_set("")


def _provider_set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [PROVIDER_SETTING, value])
