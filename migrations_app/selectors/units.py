"""Units as rows, with their live progress, rounds, conditions and disks: a constant number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agents.models import Host, Offer
from migrations_app.domain.facts import Facts, facts_read
from migrations_app.domain.lifecycle import CLOSED, Condition, Phase
from migrations_app.domain.standing import FOR_A_PERSON
from migrations_app.domain.wording import WORDS
from migrations_app.models import MigrationUnit, Transition, UnitRound
from migrations_app.selectors.live import live_of, open_commands
from migrations_app.selectors.rounds import rounds_last, wire_of
from migrations_app.selectors.rows import ConditionRow, DiskRow, LiveRow, RoundRow, UnitRow

ROUNDS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Around:
    """What is read once for all units of a page."""

    live: Mapping[UUID, LiveRow]
    rounds: Mapping[UUID, list[UnitRound]]
    wire: Mapping[UUID, int]
    reasons: Mapping[UUID, str]
    hosts: Mapping[tuple[UUID, str], str]


def unit_rows(units: Sequence[MigrationUnit], *, offer: Offer) -> tuple[UnitRow, ...]:
    """Return the units of one group as rows; they come with machine and disks."""
    ids = [unit.id for unit in units]
    around = _Around(
        live={id_: live_of(command) for id_, command in open_commands(ids).items()},
        rounds=rounds_last(ids, limit=ROUNDS_SHOWN),
        wire=wire_of(ids),
        reasons=_reasons(ids),
        hosts=_hosts(units),
    )
    landings = {host["moid"]: host["name"] for host in offer.hosts}
    return tuple(_row(unit, around, landings) for unit in units)


def conditions_of(stored: Mapping[str, str]) -> tuple[ConditionRow, ...]:
    """Return the conditions in words, those for a person first."""
    rows = [_condition(Condition(code), since) for code, since in stored.items() if code in set(Condition)]
    return tuple(sorted(rows, key=lambda row: (not row.for_a_person, row.since)))


def _condition(code: Condition, since: str) -> ConditionRow:
    words = WORDS[code]
    return ConditionRow(
        code=code,
        since=datetime.fromisoformat(since),
        title=words.title,
        text=words.text,
        remedy=words.remedy,
        for_a_person=code in FOR_A_PERSON,
    )


def _round(row: UnitRound) -> RoundRow:
    return RoundRow(
        number=row.number,
        planned=row.planned,
        content=row.content,
        wire=row.wire,
        remaining=row.remaining,
        seconds=row.seconds,
        rate=row.content / row.seconds if row.seconds > 0 else 0.0,
        final=row.final,
        at=row.at,
    )


def _reasons(unit_ids: list[UUID]) -> Mapping[UUID, str]:
    """Return why each unit is where it is."""
    latest = (
        Transition.objects.filter(unit_id__in=unit_ids).order_by("unit_id", "-number").distinct("unit_id")
    )
    return {row.unit_id: row.reason for row in latest}


def _hosts(units: Iterable[MigrationUnit]) -> Mapping[tuple[UUID, str], str]:
    sites = {unit.machine.site_id for unit in units}
    rows = Host.objects.filter(site_id__in=sites).values_list("site_id", "moid", "name")
    return {(site, moid): name for site, moid, name in rows}


def _row(unit: MigrationUnit, around: _Around, landings: Mapping[str, str]) -> UnitRow:
    facts, phase = facts_read(unit.facts), Phase(unit.phase)
    rounds, live = tuple(map(_round, around.rounds[unit.id])), around.live.get(unit.id)
    return UnitRow(
        id=unit.id,
        group_id=unit.group_id,
        group_name=unit.group.name,
        machine_id=unit.machine_id,
        name=unit.name,
        tier=unit.tier,
        phase=phase,
        phase_since=unit.phase_since,
        failed_in=unit.failed_in,
        reason=around.reasons.get(unit.id, ""),
        conditions=conditions_of(unit.conditions),
        size_bytes=unit.machine.disk_bytes or sum(disk.size_bytes for disk in unit.machine.disks.all()),
        allocated_bytes=facts.validated.allocated_bytes if facts.validated else 0,
        remaining_bytes=_remaining(rounds, live),
        wire_bytes=around.wire.get(unit.id, 0) + (live.wire if live else 0),
        progress=progress_of(phase, unit.ready_at is not None, live.fraction if live else 0.0),
        live=live,
        rounds=rounds,
        disks=_disks(unit, facts, live),
        source_host=around.hosts.get((unit.machine.site_id, unit.machine.host_moid), ""),
        destination_host=landings.get(unit.destination_host_moid, ""),
        destination_machine=unit.destination_machine_moid,
        was_powered_on=unit.was_powered_on,
        frozen_at=unit.frozen_at,
        started_at=unit.started_at,
        verified_at=unit.verified_at,
        committed_at=unit.committed_at,
        paused_s=_between(unit.frozen_at, unit.started_at),
        freeze_to_verified_s=facts.transfer.freeze_to_verified_s if facts.transfer else None,
        trouble=str(facts.trouble) if facts.trouble else "",
        left_behind=facts.left_behind,
        may_retry=phase is Phase.FAILED and not unit.retry_wanted,
        may_roll_back=_may_roll_back(unit, phase),
    )


def progress_of(phase: Phase, ready: bool, fraction: float) -> float:
    """Return how much of a unit is copied, between 0 and 1; a later round goes over what changed since."""
    if phase is Phase.COMMITTED:
        return 1.0
    if phase in (Phase.PLANNED, Phase.CANCELLED, Phase.ROLLED_BACK, Phase.VALIDATING):
        return 0.0
    return 1.0 if ready else fraction


def _remaining(rounds: tuple[RoundRow, ...], live: LiveRow | None) -> int | None:
    if live is not None and live.planned:
        return max(live.planned - live.content, 0)
    return rounds[-1].remaining if rounds else None


def _disks(unit: MigrationUnit, facts: Facts, live: LiveRow | None) -> tuple[DiskRow, ...]:
    ours = facts.source.roots if facts.source else {}
    theirs = facts.destination.roots if facts.destination else {}
    rows = []
    for disk in sorted(unit.machine.disks.all(), key=lambda disk: disk.number):
        name = str(disk.number)
        known = name in ours and name in theirs
        rows.append(
            DiskRow(
                number=disk.number,
                label=disk.label,
                size_bytes=disk.size_bytes,
                content=live.disks.get(name) if live else None,
                same=ours[name] == theirs[name] if known else None,
                root=ours.get(name, ""),
            )
        )
    return tuple(rows)


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


def _may_roll_back(unit: MigrationUnit, phase: Phase) -> bool:
    resting = phase in CLOSED | {Phase.PLANNED, Phase.ROLLING_BACK}
    return not resting and unit.wanted_generation == unit.generation
