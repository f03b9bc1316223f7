"""Lists of groups: the tenant's board and list, and the provider's view over all tenants."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from migrations_app.domain.standing import Standing
from migrations_app.models import MigrationGroup
from migrations_app.selectors import GroupFilter, GroupRow, board, groups_page
from tenants.interfaces import ProviderView, TenantView

PAGE = 50
CARDS = 20
"""So many cards stand in a lane of the board; the list has the rest."""
WAITING_TOLD = 5
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
        text = request.GET.get("q", "")[:100]
        kind = "list" if request.GET.get("view") == "list" else "board"
        wanted = GroupFilter(text=text, sort=request.GET.get("sort", "-created_at"))
        context: dict[str, Any] = {"view": kind, "q": text}
        if kind == "list":
            page = groups_page(groups, of=wanted, cursor=request.GET.get("cursor", ""), limit=PAGE)
            return context | {"page": page, "rows": page.rows, "count": page.count} | told(page.rows)
        places, count = board(groups, of=wanted)
        lanes = [(name, [row for one in places_ for row in places[one]]) for name, places_ in LANES]
        rows = [row for _, found in lanes for row in found]
        cards = [(name, found[:CARDS], len(found)) for name, found in lanes]
        return context | {"lanes": cards, "rows": rows, "count": count} | told(rows)


class Groups(_Lists, TenantView):
    """The organisation's groups."""

    template = "migrations_app/groups.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them on a board or in a list."""
        return self.show(**self.content(request, MigrationGroup.objects.visible_to(self.actor)))


class ProviderGroups(_Lists, ProviderView):
    """All tenants' groups."""

    template = "migrations_app/groups.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them on a board or in a list."""
        return self.show(**self.content(request, MigrationGroup.objects.all()), everybody=True)


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
