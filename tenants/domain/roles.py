"""Who may do what: roles, rights and the table between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from portal.lib.refusal import Refusal


class TenantKind(StrEnum):
    """What an organisation is: a customer, or the one provider whose portal this is."""

    CUSTOMER = "customer"
    PROVIDER = "provider"


class Role(StrEnum):
    """What a member is to an organisation; the last four exist at the provider only."""

    OWNER = "owner"
    OPERATOR = "operator"
    BILLING = "billing"
    VIEWER = "viewer"
    PROVIDER_ADMIN = "provider_admin"
    PROVIDER_OPERATOR = "provider_operator"
    PROVIDER_FINANCE = "provider_finance"
    PROVIDER_SUPPORT = "provider_support"


class Right(StrEnum):
    """What a role may let its holder do."""

    VIEW = "view"
    OPERATE = "operate"
    CUT_OVER = "cut_over"
    MANAGE_SITES = "manage_sites"
    VIEW_MONEY = "view_money"
    MANAGE_PEOPLE = "manage_people"
    PROVIDER_VIEW = "provider_view"
    PROVIDER_MANAGE = "provider_manage"
    PROVIDER_MONEY = "provider_money"


_VIEW = frozenset({Right.VIEW})
_OPERATE = frozenset({Right.VIEW, Right.OPERATE, Right.MANAGE_SITES})
_STAFF = frozenset({Right.VIEW, Right.PROVIDER_VIEW})

ROLE_RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: _OPERATE | {Right.CUT_OVER, Right.VIEW_MONEY, Right.MANAGE_PEOPLE},
    Role.OPERATOR: _OPERATE,
    Role.BILLING: _VIEW | {Right.VIEW_MONEY},
    Role.VIEWER: _VIEW,
    Role.PROVIDER_ADMIN: frozenset(Right),
    Role.PROVIDER_OPERATOR: _STAFF | {Right.OPERATE, Right.MANAGE_SITES, Right.PROVIDER_MANAGE},
    Role.PROVIDER_FINANCE: _STAFF | {Right.VIEW_MONEY, Right.PROVIDER_MONEY},
    Role.PROVIDER_SUPPORT: _STAFF,
}

# What a person reads where the right's own name says nothing.
_WORDS: Mapping[Right, str] = {
    Right.PROVIDER_VIEW: "see all tenants",
    Right.PROVIDER_MANAGE: "take tenants on or grant destinations",
    Right.PROVIDER_MONEY: "see all usage or publish prices",
}

PROVIDER_ROLES = frozenset(role for role in Role if role.startswith("provider_"))


def right_word(right: Right) -> str:
    """Return the right as people read it."""
    return _WORDS.get(right, right.replace("_", " "))


class RightMissing(Refusal):
    """A member asked for something that the role does not allow."""

    code = "right_missing"
    status = 403


@dataclass(frozen=True, slots=True)
class Actor:
    """A person acting for one organisation; without a role there, nobody.

    `only` are the rights of the token by which they act: it gives none that the role does not.
    """

    user_id: int
    tenant_id: UUID
    role: Role | None
    only: frozenset[Right] | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """Return what the actor may do in the organisation."""
        held = ROLE_RIGHTS[self.role] if self.role is not None else frozenset[Right]()
        return held if self.only is None else held & self.only

    def can(self, right: Right) -> bool:
        """Return whether the actor holds `right` in the organisation."""
        return right in self.rights

    def require(self, right: Right) -> None:
        """Raise RightMissing unless the actor holds `right`."""
        if not self.can(right):
            raise RightMissing(
                f"You may not {right_word(right)} here.",
                why=self._why(right),
                remedy=self._whom_to_ask(right),
            )

    def _why(self, right: Right) -> str:
        if self.only is not None and right not in self.only:
            return "The token by which you ask does not have this right."
        return f"Your role in this organisation is {self.role or 'none'}."

    def _whom_to_ask(self, right: Right) -> str:
        if self.only is not None and right not in self.only:
            return "Make a token that has it, if you have it yourself."
        if self.role in PROVIDER_ROLES:
            return "Ask an administrator of the provider for the right."
        if right.startswith("provider_"):
            return "Ask your provider: only its own people do this."
        return "Ask an owner of the organisation for the right."
