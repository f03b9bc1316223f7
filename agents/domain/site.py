"""The states of a site as its connector finds it, each with its stable code."""

from enum import StrEnum


class SiteState(StrEnum):
    """How a site's vCenter answers its connector."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    HUNG = "hung"
    CREDENTIALS_REFUSED = "credentials_refused"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_CHANGED = "certificate_changed"
    NO_CONNECTOR = "no_connector"


# What a person reads beside the state: code, what happened, what to do.
SITE_CODES: dict[SiteState, str] = {
    SiteState.UNREACHABLE: "NET-02",
    SiteState.HUNG: "VC-06",
    SiteState.CREDENTIALS_REFUSED: "VC-01",
    SiteState.CERTIFICATE_UNKNOWN: "VC-07",
    SiteState.CERTIFICATE_CHANGED: "VC-04",
    SiteState.NO_CONNECTOR: "AGT-01",
}
