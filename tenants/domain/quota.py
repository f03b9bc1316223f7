"""What a policy allows an organisation, beside what it uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from portal.lib.refusal import Refusal
from tenants.domain.standing import Stand

MIB = 1024**2
GIB = 1024**3
# What a group without a rate limit may take of a line: more than any limit that the column holds.
UNBOUNDED = 2**63 - 1


class Measure(StrEnum):
    """What a policy limits; sizes are in bytes, bandwidth in bytes per second."""

    MOVING = "moving"
    MACHINES = "machines"
    BYTES = "bytes"
    BANDWIDTH = "bandwidth"
    SITES = "sites"
    AGENTS = "agents"
    PEOPLE = "people"


LABELS: Mapping[Measure, str] = {
    Measure.MOVING: "Machines moving at once",
    Measure.MACHINES: "Machines in open groups",
    Measure.BYTES: "Size of machines in open groups",
    Measure.BANDWIDTH: "Bandwidth",
    Measure.SITES: "Sites",
    Measure.AGENTS: "Agents",
    Measure.PEOPLE: "People",
}
# In what people type and read a measure: the word, and how many of ours one of it is.
UNITS: Mapping[Measure, tuple[str, int]] = {
    Measure.BYTES: ("GiB", GIB),
    Measure.BANDWIDTH: ("MiB/s", MIB),
}


class Level(StrEnum):
    """How near a use is to its limits, the worst first."""

    OVER = "over"
    FULL = "full"
    NEAR = "near"
    WITHIN = "within"


class QuotaExceeded(Refusal):
    """The organisation would have more of something than its policy allows."""

    code = "quota_exceeded"


class MigrationNotAllowed(Refusal):
    """The organisation's policy allows no migration."""

    code = "migration_not_allowed"


@dataclass(frozen=True, slots=True)
class Limit:
    """From where on people are warned, and what is never passed; None is no limit."""

    soft: int | None = None
    hard: int | None = None

    def level(self, used: int) -> Level:
        """Return how near `used` is."""
        if self.hard is not None and used > self.hard:
            return Level.OVER
        if self.hard is not None and used and used == self.hard:
            return Level.FULL
        return Level.NEAR if self.soft is not None and used and used >= self.soft else Level.WITHIN


NO_LIMIT = Limit()


@dataclass(frozen=True, slots=True)
class Quota:
    """A policy as its organisation sees it; without one, nothing is limited."""

    policy_id: UUID | None = None
    name: str = ""
    contact: str = ""
    migration_in: bool = True
    limits: Mapping[Measure, Limit] = field(default_factory=dict)

    def of(self, measure: Measure) -> Limit:
        """Return the limits of one measure."""
        return self.limits.get(measure, NO_LIMIT)

    @property
    def whom_to_ask(self) -> str:
        """Return whom to ask for more, as a sentence."""
        return (
            f"Ask your provider ({self.contact}) for more." if self.contact else "Ask your provider for more."
        )


@dataclass(frozen=True, slots=True)
class Use:
    """One measure of an organisation: how much is used, and what is allowed."""

    measure: Measure
    used: int
    limit: Limit

    @property
    def level(self) -> Level:
        """Return how near it is."""
        return self.limit.level(self.used)

    @property
    def label(self) -> str:
        """Return what is measured, for a person."""
        return LABELS[self.measure]

    @property
    def share(self) -> float:
        """Return how much of the hard limit is used, else of the soft one, between 0 and 1."""
        most = self.limit.hard if self.limit.hard is not None else self.limit.soft
        if most is None:
            return 0.0
        return min(1.0, self.used / most) if most else float(self.used > 0)

    @property
    def sentence(self) -> str:
        """Return it in words: how much is used, from where on it warns, how much is allowed."""
        allowed = [] if self.limit.hard is None else [f"{amount(self.measure, self.limit.hard)} allowed"]
        warned = [] if self.limit.soft is None else [f"warns at {amount(self.measure, self.limit.soft)}"]
        return ", ".join([f"{amount(self.measure, self.used)} used", *warned, *allowed])


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an organisation may begin, as it is while its row is locked."""

    stand: Stand
    quota: Quota

    def begin(self, what: str) -> None:
        """Raise TenantSuspended or TenantClosed where no new work may begin; `what` was not done."""
        self.stand.work_check(what)

    def migrate(self, what: str) -> None:
        """Raise those and MigrationNotAllowed."""
        self.begin(what)
        if not self.quota.migration_in:
            raise MigrationNotAllowed(
                what, why="Your policy does not include migration.", remedy=self.quota.whom_to_ask
            )

    def room(self, measure: Measure, *, used: int, adding: int, what: str) -> None:
        """Raise QuotaExceeded where `adding` to what is `used` passes the hard limit."""
        hard = self.quota.of(measure).hard
        if hard is None or used + adding <= hard:
            return
        told = f"{LABELS[measure]}: {amount(measure, used)} used, {amount(measure, hard)} allowed"
        raise QuotaExceeded(
            what,
            why=f"{told}, and this takes {amount(measure, adding)}.",
            remedy=f"{_HELPS.get(measure, 'Free some.')} {self.quota.whom_to_ask}",
            more={"measure": measure.value, "used": used, "adding": adding, "allowed": hard},
        )


_HELPS: Mapping[Measure, str] = {
    Measure.MACHINES: "Move fewer at once, or wait until a group is closed.",
    Measure.BYTES: "Move fewer at once, or wait until a group is closed.",
    Measure.BANDWIDTH: "Give each group a rate limit that fits.",
    Measure.SITES: "Use a site that is there.",
    Measure.AGENTS: "Revoke an agent or a key that is not needed.",
    Measure.PEOPLE: "Remove somebody who no longer needs access.",
}


def amount(measure: Measure, number: int) -> str:
    """Return a number of the measure as people read it."""
    if number >= UNBOUNDED:
        return "no limit set"
    if measure not in UNITS:
        return f"{number:,}"
    unit, factor = UNITS[measure]
    value = number / factor
    return f"{value:,.0f} {unit}" if value == int(value) or value >= 100 else f"{value:,.1f} {unit}"


def uses(quota: Quota, used: Mapping[Measure, int]) -> tuple[Use, ...]:
    """Return every measure with its use, in the order of Measure."""
    return tuple(Use(measure, used.get(measure, 0), quota.of(measure)) for measure in Measure)
