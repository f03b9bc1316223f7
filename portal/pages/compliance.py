"""Which tenants are near, at or over a limit of their policy."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from migrations_app.selectors.compliance import (
    LEVELS,
    Breaches,
    ComplianceRow,
    breaches,
    compliance_rows,
    levels_counted,
    narrowed,
    tenants_breaching,
)
from portal.lib.paging import page_of
from tenants.domain.quota import LABELS, Level, Measure
from tenants.interfaces import ProviderView
from tenants.interfaces.files import csv_answer

COLUMNS = ("tenant", "policy", "level", "limit", "used", "soft", "hard", "limits_since_utc", "tenant_id")


class _Compliance(ProviderView):
    """What the page and its file show."""

    def wanted(self, found: Breaches) -> tuple[Breaches, str, str, str]:
        """Return what the address asks for, and by what it was narrowed."""
        asked = self.request.GET
        level, measure = asked.get("level", ""), asked.get("measure", "")
        kept = narrowed(
            found,
            level=Level(level) if level in list(LEVELS) else None,
            measure=Measure(measure) if measure in list(Measure) else None,
        )
        return kept, level, measure, asked.get("q", "").strip()[:100]


class Compliance(_Compliance):
    """The page."""

    template = "pages/compliance.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the tenants by name, and how many there are at each level."""
        found = breaches()
        kept, level, measure, text = self.wanted(found)
        rows = tenants_breaching(kept, text=text)
        page = page_of(rows, sort="name", cursor=request.GET.get("cursor", ""))
        return self.show(
            rows=compliance_rows(page.rows, kept),
            page=page,
            count=rows.count(),
            total=len(found),
            levels=levels_counted(found),
            measures=LABELS.items(),
            level=level,
            measure=measure,
            q=text,
        )


class ComplianceCsv(_Compliance):
    """The same as a file, a line for each limit."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of it by tenant."""
        kept, _, _, text = self.wanted(breaches())
        tenants = tenants_breaching(kept, text=text).order_by("name", "id")
        lines = [line for row in compliance_rows(tenants, kept) for line in _lines(row)]
        return csv_answer(f"compliance-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])


def _lines(row: ComplianceRow) -> list[tuple[str, ...]]:
    since = f"{row.limits_since:%Y-%m-%d %H:%M:%S}" if row.limits_since else ""
    return [
        (
            *(row.tenant_name, row.policy_name, use.level.value, use.measure.value, str(use.used)),
            *("" if end is None else str(end) for end in (use.limit.soft, use.limit.hard)),
            *(since, str(row.tenant_id)),
        )
        for use in row.uses
    ]
