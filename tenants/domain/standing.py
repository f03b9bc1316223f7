"""How an organisation stands with the provider, and what that leaves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.lib.refusal import Refusal

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_ASK = "Ask your provider: only its own people change this."


class TenantStanding(StrEnum):
    """How an organisation stands: suspended it begins nothing new, closed it reads and exports."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


TRANSITIONS: Mapping[TenantStanding, frozenset[TenantStanding]] = {
    TenantStanding.ACTIVE: frozenset({TenantStanding.SUSPENDED, TenantStanding.CLOSED}),
    TenantStanding.SUSPENDED: frozenset({TenantStanding.ACTIVE, TenantStanding.CLOSED}),
    TenantStanding.CLOSED: frozenset(),
}


class TenantSuspended(Refusal):
    """The provider has suspended the organisation: what runs goes on, and nothing new begins."""

    code = "tenant_suspended"


class TenantClosed(Refusal):
    """The organisation is closed: its people read and export."""

    code = "tenant_closed"


@dataclass(frozen=True, slots=True)
class Stand:
    """An organisation's standing, with the words that the provider gave for it."""

    standing: TenantStanding = TenantStanding.ACTIVE
    reason: str = ""

    def method_check(self, method: str) -> None:
        """Raise TenantClosed for a request that would change something of a closed organisation."""
        if self.standing is TenantStanding.CLOSED and method not in READING:
            raise self._closed("Nothing was changed.")

    def work_check(self, what: str) -> None:
        """Raise TenantSuspended or TenantClosed where no new work may begin; `what` was not done."""
        if self.standing is TenantStanding.CLOSED:
            raise self._closed(what)
        if self.standing is TenantStanding.SUSPENDED:
            raise TenantSuspended(
                what,
                why=f"Your provider has suspended the organisation: {self.reason} What runs goes on.",
                remedy=_ASK,
            )

    def _closed(self, what: str) -> TenantClosed:
        return TenantClosed(
            what, why=f"The organisation is closed: {self.reason}", remedy=f"Read and export. {_ASK}"
        )


ACTIVE = Stand()
