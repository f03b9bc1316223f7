"""The table of faults: who dies at which moment, or what else goes wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Victim(StrEnum):
    """What is ended by kill -9."""

    WEB = "web"
    GATEWAY = "gateway"
    WORKER = "worker"
    BEAT = "beat"
    REDIS = "redis"
    POSTGRES = "postgres"
    CONNECTOR = "connector"
    SOURCE_AGENT = "source_agent"
    DESTINATION_AGENT = "destination_agent"


class Special(StrEnum):
    """What else goes wrong."""

    SOURCE_DAEMON = "source_daemon_killed"
    DESTINATION_DAEMON = "destination_daemon_killed"
    LINK_CUT = "link_cut_30_s"
    DISK_FULL = "destination_disk_full"
    VCENTER_HUNG = "vcenter_hung"
    LATE_POWER_ON = "late_power_on_after_rollback"
    LINGERING_GUEST = "guest_writes_10_s_past_off"
    FLIPPED_BYTE = "flipped_destination_byte"
    SUPPRESSED_BIT = "suppressed_dirty_bit"


class Holder(StrEnum):
    """Whose barrier it is."""

    SOURCE = "source"
    DESTINATION = "destination"
    SOURCE_CONNECTOR = "source_connector"
    DESTINATION_CONNECTOR = "destination_connector"


@dataclass(frozen=True, slots=True)
class Moment:
    """A named barrier of an agent, and the phases that a unit may show while it stands there."""

    barrier: str
    holder: Holder
    phases: frozenset[str]
    back: bool = False

    @property
    def name(self) -> str:
        """For people and for file names."""
        return self.barrier


def _moment(barrier: str, holder: Holder, *phases: str, back: bool = False) -> Moment:
    return Moment(barrier, holder, frozenset(phases), back)


MOMENTS = (
    _moment("validate.started", Holder.SOURCE, "validating"),
    _moment("create_machine.done", Holder.DESTINATION_CONNECTOR, "syncing"),
    _moment("open_landing.done", Holder.DESTINATION, "syncing"),
    _moment("sync.started", Holder.SOURCE, "syncing"),
    _moment("shut_down.done", Holder.SOURCE_CONNECTOR, "quiescing"),
    _moment("freeze.started", Holder.SOURCE, "quiescing"),
    _moment("freeze.done", Holder.SOURCE, "quiescing", "final_delta"),
    _moment("switch.done", Holder.DESTINATION, "switching"),
    _moment("power_on.done", Holder.DESTINATION_CONNECTOR, "switching"),
    _moment("verify_destination.started", Holder.DESTINATION, "verifying"),
    _moment("release_source.started", Holder.SOURCE, "committed"),
    _moment("fence_destination.done", Holder.DESTINATION, "rolling_back", back=True),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One run: `victim` dies at `moment`, or `special` happens."""

    victim: Victim | None = None
    moment: Moment | None = None
    special: Special | None = None

    @property
    def name(self) -> str:
        """Unique in the table."""
        if self.special is not None:
            return str(self.special)
        return f"{self.victim}@{self.moment.name if self.moment else ''}"


def cells() -> Iterator[Cell]:
    """The whole table, in an order that mixes what is alike, so that every shard has some of each."""
    for special in Special:
        yield Cell(special=special)
    victims = list(Victim)
    for shift, moment in enumerate(MOMENTS):
        for number in range(len(victims)):
            yield Cell(victim=victims[(number + shift) % len(victims)], moment=moment)


def shard(number: int, of: int) -> list[Cell]:
    """The cells of one shard, counted from 1."""
    return [cell for place, cell in enumerate(cells()) if place % of == number - 1]


CHOSEN = (
    "worker@validate.started",
    "beat@sync.started",
    "gateway@freeze.started",
    "web@switch.done",
    "connector@create_machine.done",
    "connector@power_on.done",
    "source_agent@sync.started",
    "source_agent@freeze.done",
    "destination_agent@open_landing.done",
    "destination_agent@switch.done",
    "destination_agent@fence_destination.done",
    "redis@freeze.done",
    "postgres@freeze.started",
    "source_daemon_killed",
    "destination_daemon_killed",
    "guest_writes_10_s_past_off",
    "late_power_on_after_rollback",
    "flipped_destination_byte",
    "suppressed_dirty_bit",
)
"""What CI runs of it."""
