"""What was sent to agents on an organisation's behalf: a page, and the same as CSV.

Here and not in `agents`, because only migrations know which machine a command's unit is.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from agents.models import Command, Site
from migrations_app.models import MigrationUnit
from portal.lib.paging import page_of
from tenants.interfaces import TenantView
from tenants.interfaces.files import csv_answer

PHASES = ("pending", "accepted", "succeeded", "failed", "superseded", "expired")
NEWEST_MAX = 50_000
"""Rows of a file; of a year's commands nobody asks for more, and they are made in memory."""
SORT = "-phase_since"
COLUMNS = (
    *("about", "group", "step", "state", "generation", "round", "attempt", "given", "since_utc"),
    *("code", "what", "why", "command", "unit"),
)


Told = tuple[Command, str, UUID | None, str]


class _Commands(TenantView):
    """The list as the address describes it."""

    def asked(self) -> tuple[QuerySet[Command], str]:
        """Return the commands in the state asked for, and that state, or empty."""
        rows = Command.objects.visible_to(self.actor).defer("body", "signature")
        phase = self.request.GET.get("phase", "")
        return (rows.filter(phase=phase), phase) if phase in PHASES else (rows, "")

    def told(self, commands: Iterable[Command]) -> list[Told]:
        """Return each command with its unit's name, and the id and name of its group, if any."""
        listed = list(commands)
        wanted = {command.unit_id for command in listed}
        sites = Site.objects.visible_to(self.actor).filter(id__in=wanted).values_list("id", "name")
        units = MigrationUnit.objects.visible_to(self.actor).filter(id__in=wanted)
        known: dict[UUID, tuple[str, UUID | None, str]] = {key: (name, None, "") for key, name in sites}
        for key, name, group, called in units.values_list("id", "name", "group_id", "group__name"):
            known[key] = (name, group, called)
        return [(command, *known.get(command.unit_id, ("", None, ""))) for command in listed]


class Commands(_Commands):
    """One page, the newest first."""

    template = "migrations_app/commands.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        rows, phase = self.asked()
        page = page_of(rows, sort=SORT, cursor=request.GET.get("cursor", ""))
        return self.show(commands=self.told(page.rows), page=page, phases=PHASES, phase=phase)


class CommandsCsv(_Commands):
    """The newest as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return it."""
        rows, _ = self.asked()
        lines = [_line(*told) for told in self.told(rows.order_by(SORT, "-id")[:NEWEST_MAX])]
        return csv_answer(f"commands-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])


def _line(command: Command, name: str, _group: UUID | None, group: str) -> tuple[str, ...]:
    numbers = (command.generation, command.round, command.attempt, command.deliveries)
    said = [str(command.result.get(key, "")) for key in ("code", "what", "why")]
    when = f"{command.phase_since:%Y-%m-%d %H:%M:%S}"
    front = (name, group, command.step, command.phase, *map(str, numbers), when)
    return (*front, *said, str(command.id), str(command.unit_id))
