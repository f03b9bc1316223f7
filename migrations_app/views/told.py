"""What several machines have in common is told once: findings of a pre-flight, failures, waiting."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from migrations_app.domain.lifecycle import Phase
from migrations_app.domain.preflight import Finding
from migrations_app.selectors import UnitRow

NAMED_MAX = 6
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Failures:
    """Machines that stopped in the same phase for the same reason."""

    phase: str
    reason: str
    units: tuple[UnitRow, ...]


def findings_told(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, those of one kind and remedy as one that names its machines."""
    alike = _alike(findings, lambda one: (one.severity, one.code, one.evidence, one.remedy))
    return [_together(group) for group in alike]


def failures_told(units: Iterable[UnitRow]) -> list[Failures]:
    """Return what failed, those that stopped alike together."""
    failed = [unit for unit in units if unit.phase == Phase.FAILED]
    alike = _alike(failed, lambda unit: (unit.failed_in, unit.reason))
    return [Failures(group[0].failed_in, group[0].reason, tuple(group)) for group in alike]


def _alike(rows: Iterable[RowT], key: Callable[[RowT], Hashable]) -> list[list[RowT]]:
    found: dict[Hashable, list[RowT]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return list(found.values())


def _together(findings: Sequence[Finding]) -> Finding:
    first, names = findings[0], [one.machine for one in findings if one.machine]
    if len(names) < 2:
        return first
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    evidence = f"{len(names)} machines: {', '.join(names[:NAMED_MAX])}{more}; {first.evidence}"
    return replace(
        first, machine="", what=first.what.replace(first.machine, "each of them"), evidence=evidence
    )
