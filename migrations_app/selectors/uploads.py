"""What a site's uploaded inventory says, in sums."""

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from agents.models import InventoryUpload, Site, UploadedMachine
from migrations_app.domain.rough import rough_estimate
from tenants.domain.roles import Actor

LINE_MBIT, LINE_MAX_MBIT = 1000, 400_000


def upload_of(*, actor: Actor, site: Site) -> InventoryUpload | None:
    """Return the site's preview or, where there is none, what was kept."""
    return InventoryUpload.objects.visible_to(actor).filter(site=site).order_by("kept").first()


def uploaded_machines(*, actor: Actor, upload: InventoryUpload | None) -> QuerySet[UploadedMachine]:
    """Return the upload's machines."""
    return UploadedMachine.objects.visible_to(actor).filter(upload=upload)


def upload_sums(machines: QuerySet[UploadedMachine], line_mbit: int) -> dict[str, Any]:
    """Return the sums of an upload, and how long moving all of it would copy over that line.

    Templates are counted and not summed: they do not move.
    """
    movable = Q(template=False)
    sums = machines.aggregate(
        machines=Count("id", filter=movable),
        templates=Count("id", filter=~movable),
        running=Count("id", filter=movable & Q(power="poweredOn")),
        provisioned_bytes=Sum("provisioned_bytes", filter=movable, default=0),
        used_bytes=Sum("used_bytes", filter=movable, default=0),
    )
    # A sum of big integers is a Decimal.
    sums = {name: int(value) for name, value in sums.items()}
    counted = machines.filter(movable).values_list("change").annotate(Count("id")).order_by()
    rough = rough_estimate(used_bytes=sums["used_bytes"], line_mbit=line_mbit)
    return {**sums, "changes": dict(counted), "rough": rough}
