"""What a tenant said of a site by a file, before an agent is there. It is never taken for what one found."""

from django.db import models
from django.db.models import Q

from agents.domain.rvtools import Change
from agents.models.site import Site
from portal.lib.constraints import one_of
from tenants.models import TenantOwned


class InventoryUpload(TenantOwned):
    """A workbook of RVTools: first a preview, then kept in place of the one before."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    kept = models.BooleanField(default=False)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=254, default="")
    vcenter = models.CharField(max_length=255, default="")
    # What was left out and why, the first of them; `faulty` is how many.
    faults = models.JSONField(default=list)
    faulty = models.PositiveIntegerField(default=0)
    # Names that were known and are not in the file, the first of them; `missing` is how many.
    missing_names = models.JSONField(default=list)
    missing = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "inventory_upload"
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=Q(kept=True), name="inventory_upload_one_kept"
            ),
            models.UniqueConstraint(
                fields=["site"], condition=Q(kept=False), name="inventory_upload_one_preview"
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class UploadedMachine(TenantOwned):
    """A machine as a workbook tells it; sizes in bytes."""

    upload = models.ForeignKey(InventoryUpload, on_delete=models.CASCADE, related_name="machines")
    name = models.CharField(max_length=255)
    moid = models.CharField(max_length=64, default="")
    power = models.CharField(max_length=16)
    template = models.BooleanField(default=False)
    cpus = models.PositiveIntegerField(default=0)
    memory_mib = models.PositiveIntegerField(default=0)
    provisioned_bytes = models.PositiveBigIntegerField(default=0)
    used_bytes = models.PositiveBigIntegerField(default=0)
    host = models.CharField(max_length=255, default="")
    cluster = models.CharField(max_length=255, default="")
    guest = models.CharField(max_length=255, default="")
    # The sizes of its disks, in the order of the sheet.
    disks = models.JSONField(default=list)
    change = models.CharField(max_length=8, default=Change.NEW.value)

    class Meta:
        db_table = "uploaded_machine"
        constraints = [one_of("change", Change, name="uploaded_machine_change_known")]
        indexes = [
            models.Index(fields=["tenant", "upload", "name", "id"], name="uploaded_machine_by_name"),
            models.Index(fields=["tenant", "upload", "used_bytes", "id"], name="uploaded_machine_by_size"),
        ]

    def __str__(self) -> str:
        return self.name
