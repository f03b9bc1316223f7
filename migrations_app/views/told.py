"""What several machines have in common is told once: findings of a pre-flight, failures, waiting."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from migrations_app.domain.lifecycle import Phase
from migrations_app.domain.preflight import CHECKS_NAMED, Finding
from migrations_app.selectors import ConditionRow, UnitRow

NAMED_MAX = 6
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Failures:
    """Machines that stopped in the same phase for the same reason."""

    phase: str
    reason: str
    units: tuple[UnitRow, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A condition and the machines that it holds."""

    names: str
    condition: ConditionRow


def findings_told(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, those of one kind and remedy as one that names its machines."""
    alike = _alike(findings, lambda one: (one.severity, one.code, one.evidence, one.remedy))
    return [_together(group) for group in alike]


def failures_told(units: Iterable[UnitRow]) -> list[Failures]:
    """Return what failed, those that stopped alike together."""
    failed = [unit for unit in units if unit.phase == Phase.FAILED]
    alike = _alike(failed, lambda unit: (unit.failed_in, unit.reason))
    return [Failures(group[0].failed_in, group[0].reason, tuple(group)) for group in alike]


def passed_told(findings: Iterable[Finding]) -> list[str]:
    """Return the names of the checks that found nothing."""
    found = {finding.code for finding in findings}
    return [name.capitalize() for code, name in CHECKS_NAMED.items() if code not in found]


def waits_told(units: Iterable[UnitRow]) -> list[Waiting]:
    """Return what holds machines and asks nobody to decide, one for each kind, with all of its machines."""
    pairs = [(unit, one) for unit in units for one in unit.conditions if not one.for_a_person]
    alike = _alike(pairs, lambda pair: pair[1].code)
    return [Waiting(_named([unit.name for unit, _ in group]), group[0][1]) for group in alike]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"{', '.join(names[:NAMED_MAX])}{more}"


def _alike(rows: Iterable[RowT], key: Callable[[RowT], Hashable]) -> list[list[RowT]]:
    found: dict[Hashable, list[RowT]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return list(found.values())


def _together(findings: Sequence[Finding]) -> Finding:
    first, names = findings[0], [one.machine for one in findings if one.machine]
    if len(names) < 2:
        return first
    evidence = f"{len(names)} machines: {_named(names)}; {first.evidence}"
    return replace(
        first, machine="", what=first.what.replace(first.machine, "each of them"), evidence=evidence
    )
