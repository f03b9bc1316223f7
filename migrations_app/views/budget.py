"""What may remain for the cut-over, and how fast a machine is copied, on the group's page; also under way."""

from typing import ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from migrations_app.services import budget_update
from migrations_app.views.group import GroupView
from portal.lib.whole import whole
from tenants.domain.roles import Right

MIB = 1 << 20


class Budget(GroupView):
    """The group's budget and its rate limit, typed in MiB and MiB/s."""

    right: ClassVar = Right.OPERATE

    def post(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Set them; a field with no number in it keeps what it was."""
        own = self.group(group)
        budget_update(
            group=own,
            actor=self.actor,
            cutover_budget_bytes=_bytes(request.POST.get("budget"), own.cutover_budget_bytes),
            rate_limit=_bytes(request.POST.get("rate"), own.rate_limit),
            now=timezone.now(),
        )
        messages.success(request, "The next round goes by the new budget and rate limit.")
        return self.back(group)


def _bytes(typed: str | None, held: int) -> int:
    """Return what was typed in MiB; `held` for no number, and for the one that the page showed, rounded."""
    number = whole(typed, -1)
    return held if number in (-1, round(held / MIB)) else number * MIB
