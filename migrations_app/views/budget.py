"""What may remain for the cut-over, and how fast a machine is copied, on the group's page; also under way."""

from typing import ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from migrations_app.domain.learning import MOST_BYTES
from migrations_app.services import budget_update
from migrations_app.views.group import GroupView
from migrations_app.views.typed import number_typed
from tenants.domain.roles import Right

MIB = 1 << 20


class Budget(GroupView):
    """The group's budget and its rate limit, typed in MiB and MiB/s."""

    right: ClassVar = Right.OPERATE

    def post(self, request: HttpRequest, group: UUID) -> HttpResponseBase:
        """Set them; an empty field keeps what it was."""
        own, typed = self.group(group), request.POST
        budget_update(
            group=own,
            actor=self.actor,
            cutover_budget_bytes=_bytes(typed.get("budget"), own.cutover_budget_bytes, "What may remain"),
            rate_limit=_bytes(typed.get("rate"), own.rate_limit, "The rate limit"),
            now=timezone.now(),
        )
        messages.success(request, "The next round goes by the new budget and rate limit.")
        return self.back(group)


def _bytes(typed: str | None, held: int, what: str) -> int:
    """Return what was typed in MiB; `held` for nothing, and for the number that the page showed, rounded."""
    shown = round(held / MIB)
    number = number_typed(typed, shown, what=f"{what}, in MiB,", most=MOST_BYTES // MIB)
    return held if number == shown else number * MIB
