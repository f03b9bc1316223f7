"""Lists of groups: the tenant's board and list, and the provider's view over all tenants."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from migrations_app.domain.standing import Standing
from migrations_app.models import MigrationGroup
from migrations_app.selectors import GroupFilter, GroupRow, board, group_rows, groups_found, groups_page
from tenants.interfaces import ProviderView, TenantView
from tenants.interfaces.files import csv_answer

PAGE = 50
CARDS = 20
"""So many cards stand in a lane of the board; the list has the rest."""
WAITING_TOLD = 5
COLUMNS = (
    *("group", "tenant", "destination", "standing", "machines", "failed", "waits_for_person"),
    *("size_bytes", "progress_percent", "created_utc", "id"),
)
LANES: tuple[tuple[str, tuple[Standing, ...]], ...] = (
    ("Planned", (Standing.DRAFT,)),
    ("Copying", (Standing.SYNCING,)),
    ("Ready", (Standing.READY,)),
    ("Cutting over", (Standing.CUTTING_OVER, Standing.ROLLING_BACK)),
    ("Your decision", (Standing.AWAITING_COMMIT,)),
    ("Done", (Standing.COMMITTED, Standing.ROLLED_BACK, Standing.CANCELLED)),
)


class _Lists:
    """What both lists do."""

    def content(self, request: HttpRequest, groups: QuerySet[MigrationGroup]) -> dict[str, Any]:
        """Return what the page shows of `groups`."""
        wanted = self.wanted(request)
        text = wanted.text
        kind = "list" if request.GET.get("view") == "list" else "board"
        context: dict[str, Any] = {"view": kind, "q": text}
        if kind == "list":
            page = groups_page(groups, of=wanted, cursor=request.GET.get("cursor", ""), limit=PAGE)
            return context | {"page": page, "rows": page.rows, "count": page.count} | told(page.rows)
        places, count = board(groups, of=wanted)
        lanes = [(name, [row for one in places_ for row in places[one]]) for name, places_ in LANES]
        rows = [row for _, found in lanes for row in found]
        cards = [(name, found[:CARDS], len(found)) for name, found in lanes]
        return context | {"lanes": cards, "rows": rows, "count": count} | told(rows)

    def file(self, request: HttpRequest, groups: QuerySet[MigrationGroup]) -> HttpResponseBase:
        """Return all of `groups` that the page would show, in its order."""
        found, sort = groups_found(groups, of=self.wanted(request))
        lines = [_line(row) for row in group_rows(list(found.order_by(sort, "id")))]
        return csv_answer(f"groups-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])

    def wanted(self, request: HttpRequest) -> GroupFilter:
        """Return what the address asks for."""
        text = request.GET.get("q", "")[:100]
        return GroupFilter(text=text, sort=request.GET.get("sort", "-created_at"))


class Groups(_Lists, TenantView):
    """The organisation's groups."""

    template = "migrations_app/groups.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them on a board or in a list."""
        return self.show(**self.content(request, MigrationGroup.objects.visible_to(self.actor)))


class GroupsCsv(_Lists, TenantView):
    """The organisation's groups as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return it."""
        return self.file(request, MigrationGroup.objects.visible_to(self.actor))


class ProviderGroups(_Lists, ProviderView):
    """All tenants' groups."""

    template = "migrations_app/groups.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them on a board or in a list."""
        return self.show(**self.content(request, MigrationGroup.objects.all()), everybody=True)


class ProviderGroupsCsv(_Lists, ProviderView):
    """All tenants' groups as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return it."""
        return self.file(request, MigrationGroup.objects.all())


def told(rows: Sequence[GroupRow]) -> dict[str, Any]:
    """Return what waits for a person among `rows`: how many groups, and the worst of them."""
    waiting = needing(rows)
    return {"waiting": len(waiting), "worst": waiting[:WAITING_TOLD]}


def needing(rows: Sequence[GroupRow]) -> list[GroupRow]:
    """Return the groups that wait for a person, worst first."""
    found = [
        row for row in rows if row.failed or row.needs_person or row.standing == Standing.AWAITING_COMMIT
    ]
    return sorted(found, key=lambda row: (not row.failed, not row.needs_person))


def _line(row: GroupRow) -> tuple[str, ...]:
    numbers = (row.machines, row.failed, row.needs_person, row.size_bytes, round(row.progress * 100))
    front = (row.name, row.tenant_name, row.destination, row.standing.value)
    return (*front, *map(str, numbers), f"{row.created_at:%Y-%m-%d %H:%M:%S}", str(row.id))
