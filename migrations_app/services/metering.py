"""A committed machine as a neutral fact for billing; in the transaction that moves its phase."""

from datetime import datetime

from billing.domain.meters import Meter
from billing.services import UsageFact, usage_record
from migrations_app.models import MigrationUnit


def migration_metered(*, unit: MigrationUnit, now: datetime) -> None:
    """Record that the machine was migrated; the same commit again is recorded once."""
    usage_record(
        fact=UsageFact(
            tenant_id=unit.tenant_id,
            meter=Meter.VM_MIGRATED,
            site_id=unit.machine.site_id,
            moid=unit.machine.moid,
            name=unit.name,
            destination_id=unit.group.offer.site_id,
            destination_name=unit.group.offer.name,
            cause=unit.id,
            occurred_at=now,
        ),
        now=now,
    )
