"""Tickets: what lets a source's agent write at the destination, signed when a command is inserted."""

from collections.abc import Mapping
from datetime import datetime

from agents.domain.delivery import CommandDraft
from agents.domain.protocol import TICKET_LIFETIME_S, DiskShape, Step, Ticket, canonical
from migrations_app.domain.lifecycle import Side
from migrations_app.domain.snapshot import UnitView
from portal.lib.keys import portal_keys

_TICKETED = frozenset({Step.SYNC.value, Step.FREEZE.value})


def tickets_add(*, unit: UnitView, draft: CommandDraft, now: datetime) -> Mapping[str, object]:
    """Return the body of the command, with a ticket for each disk where the order carries data."""
    if draft.key.step not in _TICKETED:
        return draft.body
    expires = int(now.timestamp()) + TICKET_LIFETIME_S
    signed = {
        disk.name: portal_keys().ticket(canonical(_ticket(unit, draft, disk, expires)))
        for disk in unit.machine.disks
    }
    return {**draft.body, "tickets": signed}


def _ticket(unit: UnitView, draft: CommandDraft, disk: DiskShape, expires: int) -> Ticket:
    """Bind everything that the transfer is for: a ticket is no use for anything else."""
    landing = unit.facts.landing
    return Ticket(
        unit=unit.id,
        generation=draft.key.generation,
        machine=unit.destination_machine_moid,
        disk=disk.name,
        size=disk.size,
        direction="push",
        source=unit.ends[Side.SOURCE].fingerprint,
        destination=landing.fingerprint if landing else "",
        expires=expires,
    )
