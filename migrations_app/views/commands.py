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


class _Commands(TenantView):
    """The list as the address describes it."""

    def asked(self) -> tuple[QuerySet[Command], str]:
        """Return the commands in the state asked for, and that state, or empty."""
        rows = Command.objects.visible_to(self.actor).defer("body", "signature")
        phase = self.request.GET.get("phase", "")
        return (rows.filter(phase=phase), phase) if phase in PHASES else (rows, "")

    def about(self, commands: Iterable[Command]) -> dict[UUID, tuple[str, UUID | None, str]]:
        """Return by a command's unit what it is called, its group's id and name; a site has no group."""
        wanted = {command.unit_id for command in commands}
        units = MigrationUnit.objects.visible_to(self.actor).filter(id__in=wanted)
        sites = Site.objects.visible_to(self.actor).filter(id__in=wanted)
        named = units.values_list("id", "name", "group_id", "group__name")
        return {key: (name, None, "") for key, name in sites.values_list("id", "name")} | {
            key: (name, group, called) for key, name, group, called in named
        }


class Commands(_Commands):
    """One page, the newest first."""

    template = "migrations_app/commands.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        rows, phase = self.asked()
        page = page_of(rows, sort=SORT, cursor=request.GET.get("cursor", ""))
        about = self.about(page.rows)
        told = [(command, *about.get(command.unit_id, ("", None, ""))) for command in page.rows]
        return self.show(commands=told, page=page, phases=PHASES, phase=phase)


class CommandsCsv(_Commands):
    """The newest as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return it."""
        rows, _ = self.asked()
        commands = list(rows.order_by(SORT, "-id")[:NEWEST_MAX])
        about = self.about(commands)
        lines = [_line(command, *about.get(command.unit_id, ("", None, ""))) for command in commands]
        return csv_answer(f"commands-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])


def _line(command: Command, name: str, _group: UUID | None, group: str) -> tuple[str, ...]:
    numbers = (command.generation, command.round, command.attempt, command.deliveries)
    said = [str(command.result.get(key, "")) for key in ("code", "what", "why")]
    when = f"{command.phase_since:%Y-%m-%d %H:%M:%S}"
    front = (name, group, command.step, command.phase, *map(str, numbers), when)
    return (*front, *said, str(command.id), str(command.unit_id))
