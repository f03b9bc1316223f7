"""The side navigation as a table: for whom, under which heading, to which page."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from tenants.domain.roles import ROLE_RIGHTS, Right, TenantKind
from tenants.selectors import Belonging


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation; `scoped` when its address names the organisation."""

    word: str
    icon: str
    page: str
    right: Right
    scoped: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as one person sees it."""

    word: str
    icon: str
    address: str
    current: bool


_HOME = ("", (Entry("Home", "home", "tenant_home", Right.VIEW),))
_ESTATE = (
    Entry("Sites", "server-2", "sites", Right.VIEW),
    Entry("Agents", "plug-connected", "agents", Right.VIEW),
    Entry("Virtual machines", "device-desktop", "machines", Right.VIEW),
    Entry("Commands", "list-details", "commands", Right.VIEW),
)
_ACCESS = (
    Entry("API tokens", "key", "tokens", Right.VIEW),
    Entry("Sign-in rules", "lock", "sign-in-rules", Right.MANAGE_PEOPLE),
)
_TENANT = (
    _HOME,
    ("Move", (Entry("Migration groups", "stack-2", "groups", Right.VIEW),)),
    ("Estate", _ESTATE),
    ("Money", (Entry("Usage", "receipt-2", "usage", Right.VIEW_MONEY),)),
    ("Organisation", (Entry("Quotas", "gauge", "quotas", Right.VIEW),)),
    ("Access", _ACCESS),
)
_PROVIDER = (
    ("", (Entry("Home", "home", "provider_home", Right.PROVIDER_VIEW, scoped=False),)),
    ("Move", (Entry("Migration groups", "stack-2", "provider_groups", Right.PROVIDER_VIEW, scoped=False),)),
    (
        "Estate",
        (
            Entry("Tenants", "building", "tenants", Right.PROVIDER_VIEW, scoped=False),
            Entry("All agents", "versions", "provider_agents", Right.PROVIDER_VIEW, scoped=False),
            *_ESTATE,
        ),
    ),
    (
        "Terms",
        (
            Entry("Policies", "adjustments", "policies", Right.PROVIDER_VIEW, scoped=False),
            Entry("Compliance", "scale", "compliance", Right.PROVIDER_VIEW, scoped=False),
        ),
    ),
    (
        "Money",
        (
            Entry("Usage", "receipt-2", "provider_usage", Right.PROVIDER_MONEY, scoped=False),
            Entry("Price books", "tag", "prices", Right.PROVIDER_MONEY, scoped=False),
        ),
    ),
    ("Access", _ACCESS),
)


def sections_for(belonging: Belonging | None, path: str) -> list[tuple[str, list[Link]]]:
    """Return the headings with the links that the person may follow; none without an organisation."""
    if belonging is None:
        return []
    sections = _PROVIDER if belonging.kind is TenantKind.PROVIDER else _TENANT
    rights = ROLE_RIGHTS[belonging.role]
    shown = [
        (heading, [_link(entry, belonging, path) for entry in entries if entry.right in rights])
        for heading, entries in sections
    ]
    return [(heading, [link for link in links if link]) for heading, links in shown if any(links)]


def _link(entry: Entry, belonging: Belonging, path: str) -> Link | None:
    try:
        address = reverse(entry.page, args=[belonging.tenant_id] if entry.scoped else [])
    except NoReverseMatch:  # an edition without that app
        return None
    home = entry.page in ("tenant_home", "provider_home")
    current = path == address if home else path.startswith(address)
    return Link(entry.word, entry.icon, address, current)
