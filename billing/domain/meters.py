"""What can be metered."""

from enum import StrEnum


class Meter(StrEnum):
    """A kind of usage; its events are counted and priced."""

    VM_MIGRATED = "vm.migrated"
