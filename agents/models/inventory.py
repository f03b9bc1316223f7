"""What a connector found at a site. Objects that vanish are marked gone, never deleted."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from agents.models.site import Site
from tenants.models import TenantManager, TenantOwned, TenantQuerySet


class Inventoried(TenantOwned):
    """An object of a site's vCenter; `moid` is unique within its site only."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    moid = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["site", "moid"], name="%(class)s_moid_once_per_site"),
        ]

    def __str__(self) -> str:
        return self.name


class Cluster(Inventoried):
    """A cluster of hosts."""

    class Meta(Inventoried.Meta):
        db_table = "cluster"


class Host(Inventoried):
    """A hypervisor host; `cluster_moid` is empty for one that stands alone."""

    cluster_moid = models.CharField(max_length=64, default="")
    connection_state = models.CharField(max_length=24, default="")

    class Meta(Inventoried.Meta):
        db_table = "host"


class Datastore(Inventoried):
    """A datastore; sizes in bytes."""

    kind = models.CharField(max_length=24, default="")
    capacity_bytes = models.PositiveBigIntegerField(default=0)
    free_bytes = models.PositiveBigIntegerField(default=0)
    host_moids = models.JSONField(default=list)

    class Meta(Inventoried.Meta):
        db_table = "datastore"


class Network(Inventoried):
    """A network or distributed port group."""

    kind = models.CharField(max_length=40, default="")

    class Meta(Inventoried.Meta):
        db_table = "network"


class VirtualMachine(Inventoried):
    """A virtual machine as vCenter describes it; its power state is never evidence."""

    host_moid = models.CharField(max_length=64, default="")
    power = models.CharField(max_length=16, default="")
    cpus = models.PositiveIntegerField(default=0)
    memory_mib = models.PositiveIntegerField(default=0)
    guest_id = models.CharField(max_length=80, default="")
    uuid = models.CharField(max_length=36, default="")
    firmware = models.CharField(max_length=8, default="bios")
    tools = models.CharField(max_length=40, default="")
    snapshots = models.PositiveIntegerField(default=0)
    disk_bytes = models.PositiveBigIntegerField(default=0)
    # [{"key", "label", "network_moid", "mac", "kind"}]
    nics = models.JSONField(default=list)

    class Meta(Inventoried.Meta):
        db_table = "virtual_machine"
        indexes = [
            # selectors.machines_list: by name, and by the other column that people sort by
            models.Index(
                fields=["tenant", "name", "id"],
                condition=Q(gone_at__isnull=True),
                name="virtual_machine_by_name",
            ),
            models.Index(
                fields=["tenant", "disk_bytes", "id"],
                condition=Q(gone_at__isnull=True),
                name="virtual_machine_by_size",
            ),
            models.Index(fields=["tenant", "site", "host_moid"], name="virtual_machine_by_host"),
        ]


class DiskManager(TenantManager["VirtualDisk"]):
    """Shows the disks that are there: a machine's disks, wherever they are read, are these."""

    def get_queryset(self) -> TenantQuerySet["VirtualDisk"]:
        """Return the disks that are not gone."""
        return super().get_queryset().filter(gone_at=None)


class VirtualDisk(TenantOwned):
    """A disk of a virtual machine, in vCenter's order: `number` 0 is the engine's disk "0"."""

    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="disks")
    number = models.PositiveIntegerField()
    # vCenter's own; it stays the same while disks before it come and go.
    key = models.IntegerField()
    label = models.CharField(max_length=80, default="")
    size_bytes = models.PositiveBigIntegerField()
    path = models.CharField(max_length=512, default="")
    datastore_moid = models.CharField(max_length=64, default="")
    # "flat" moves; pre-flight names the rest ("rdm", "sesparse", "independent", "shared", "delta").
    kind = models.CharField(max_length=24, default="flat")
    gone_at = models.DateTimeField(null=True)

    objects: ClassVar[DiskManager] = DiskManager()
    every: ClassVar[TenantManager["VirtualDisk"]] = TenantManager()

    class Meta:
        db_table = "virtual_disk"
        constraints = [
            models.UniqueConstraint(fields=["machine", "key"], name="virtual_disk_key_once"),
            models.UniqueConstraint(
                fields=["machine", "number"],
                condition=Q(gone_at__isnull=True),
                name="virtual_disk_number_once",
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"disk {self.number}"
