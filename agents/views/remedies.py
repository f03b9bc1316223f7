"""What to tell a person about a site's state: why, and what to do; and how far its set-up has come."""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.domain.site import SITE_CODES, SiteState
from agents.models import Site


@dataclass(frozen=True, slots=True)
class Remedy:
    """What happened at a site, why, and what to do."""

    what: str
    why: str
    remedy: str
    code: str
    tone: str


_WORDS: Mapping[SiteState, tuple[str, str, str, str]] = {
    SiteState.UNREACHABLE: (
        "The connector does not reach vCenter",
        "Nothing answers at its address from where the connector runs.",
        "Check address, port and firewall there. The connector goes on trying by itself.",
        "bad",
    ),
    SiteState.HUNG: (
        "vCenter has stopped answering",
        "It took the connection and then said nothing for too long; the connector let go of it.",
        "Look at vCenter's own services. The connector goes on trying by itself; running moves go on.",
        "bad",
    ),
    SiteState.CREDENTIALS_REFUSED: (
        "vCenter refused the user or the password",
        "They were tried once and not again, so that the account is not locked.",
        "Enter them anew below.",
        "bad",
    ),
    SiteState.CERTIFICATE_UNKNOWN: (
        "Compare vCenter's certificate",
        "Nobody has accepted it yet, and the connector sends no password before that.",
        "Compare the fingerprint on the site's page with the one on vCenter's own page, and accept it.",
        "warn",
    ),
    SiteState.CERTIFICATE_CHANGED: (
        "vCenter shows another certificate than the accepted one",
        "It was renewed, or somebody stands between. The connector sent nothing.",
        "Ask whoever runs vCenter whether it was renewed; accept the new one only then.",
        "bad",
    ),
    SiteState.NO_CONNECTOR: (
        "The site waits for its first agent",
        "A connector reads vCenter's inventory, and there is none at this site.",
        "Install an agent with the connector's duty.",
        "idle",
    ),
}


def remedy_of(site: Site) -> Remedy | None:
    """Return what a person should know; None for a site that does well or is on its way."""
    state = SiteState(site.state)
    if state is SiteState.NO_CONNECTOR and site.connector_id is not None:
        return Remedy(
            "The site waits for its vCenter",
            "The agent is there and knows no vCenter yet.",
            "Enter its address, a user and the password.",
            SITE_CODES[state],
            "idle",
        )
    words = _WORDS.get(state)
    if words is None:
        return None
    what, why, remedy, tone = words
    told = f"{why} {site.state_reason}".strip() if site.state_reason else why
    return Remedy(what, told, remedy, site.state_code or SITE_CODES.get(state, ""), tone)


def steps_of(site: Site, agents: bool, counts: Mapping[str, int]) -> list[dict[str, str]]:
    """Return the set-up of a site as an itinerary."""
    accepted = bool(site.fingerprint)
    reached = [
        ("Site", True, site.name),
        ("Agent", agents, "one command"),
        ("vCenter", bool(site.sealed_password), "4 fields"),
        ("Certificate", accepted, "compare"),
        ("Inventory", site.state == SiteState.CONNECTED and counts["hosts"] > 0, "by itself"),
    ]
    current = next((at for at, step in enumerate(reached) if not step[1]), len(reached))
    done = {"Agent": "enrolled", "vCenter": site.host, "Certificate": "accepted"}
    done["Inventory"] = f"{counts['machines']:,} machines"
    return [
        {
            "name": name,
            "when": done.get(name, hint) if at < current else hint,
            "is": "done" if at < current else "current" if at == current else "next",
            "tone": "run",
        }
        for at, (name, _, hint) in enumerate(reached)
    ]
