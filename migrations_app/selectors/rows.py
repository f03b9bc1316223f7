"""The typed rows that pages and API show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from migrations_app.domain.lifecycle import Condition, Desired, Phase
from migrations_app.domain.standing import Ask, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """A condition in words; `for_a_person` when nobody else can end it."""

    code: Condition
    since: datetime
    title: str
    text: str
    remedy: str
    for_a_person: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A group in a list or on the board; sizes in bytes, `rate` in bytes per second over all machines."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    name: str
    destination: str
    standing: Standing
    desired: Desired
    paused: bool
    cutover_at: datetime | None
    created_at: datetime
    machines: int
    phases: Mapping[Phase, int]
    failed: int
    conditions: Mapping[Condition, int]
    needs_person: int
    size_bytes: int
    progress: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """A round that has ended."""

    number: int
    planned: int
    content: int
    wire: int
    remaining: int
    seconds: float
    rate: float
    final: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """The round under way; `left_s` at the present rate, or None while there is none to go by."""

    number: int
    planned: int
    content: int
    wire: int
    rate: float
    connections: int
    at: datetime | None
    fraction: float
    left_s: float | None
    disks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRow:
    """A disk, and whether its two sides hold the same bytes (None: not compared yet)."""

    number: int
    label: str
    size_bytes: int
    content: int | None
    same: bool | None
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """One move of the history."""

    at: datetime
    from_phase: Phase
    to_phase: Phase
    generation: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One move of one of a group's machines."""

    at: datetime
    name: str
    to_phase: Phase
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRow:
    """A command on the tenant's behalf and what became of it; `agent` is empty for the provider's own."""

    id: UUID
    step: str
    generation: int
    seq: int
    round: int
    attempt: int
    phase: str
    since: datetime
    deliveries: int
    agent: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A machine on its way, with everything that its page shows; `paused_s` is how long it did not run."""

    id: UUID
    group_id: UUID
    group_name: str
    machine_id: UUID
    name: str
    tier: int
    phase: Phase
    phase_since: datetime
    failed_in: str
    reason: str
    conditions: tuple[ConditionRow, ...]
    size_bytes: int
    allocated_bytes: int
    remaining_bytes: int | None
    wire_bytes: int
    progress: float
    live: LiveRow | None
    rounds: tuple[RoundRow, ...]
    disks: tuple[DiskRow, ...]
    source_host: str
    destination_host: str
    destination_machine: str
    was_powered_on: bool | None
    frozen_at: datetime | None
    started_at: datetime | None
    verified_at: datetime | None
    committed_at: datetime | None
    paused_s: float | None
    freeze_to_verified_s: float | None
    trouble: str
    left_behind: tuple[str, ...]
    may_retry: bool
    may_roll_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """A boot tier with its machines in order."""

    number: int
    delay_s: int
    gate: str
    gate_limit_s: int
    units: tuple[UnitRow, ...]
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDetail:
    """A group with its machines by boot tier, and what may be asked of it now."""

    row: GroupRow
    units: tuple[UnitRow, ...]
    tiers: tuple[TierRow, ...]
    asks: frozenset[Ask]
    datastore: str
    network_map: Mapping[str, str]
    keep_mac: bool
    cutover_budget_bytes: int
    shutdown_policy: str
    shutdown_deadline_s: int
    rate_limit: int
    desired_by: str
    generation: int


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of groups, how many there are, and the cursors of the pages beside it; empty at an end."""

    rows: tuple[GroupRow, ...]
    count: int
    next: str = ""
    previous: str = ""
