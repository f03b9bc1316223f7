"""The one table from a state to its tone, icon and word; templates never choose."""

from collections.abc import Mapping

Look = tuple[str, str, str]
UNKNOWN: Look = ("idle", "circle-dashed", "")

STATES: Mapping[str, Mapping[str, Look]] = {
    "site": {
        "new": ("idle", "circle-dashed", "New"),
        "connecting": ("run", "loader-2", "Connecting"),
        "connected": ("good", "circle-check", "Connected"),
        "unreachable": ("bad", "plug-connected-x", "Unreachable"),
        "hung": ("bad", "hourglass-high", "Not answering"),
        "credentials_refused": ("bad", "lock", "Password refused"),
        "certificate_unknown": ("warn", "certificate", "Certificate to compare"),
        "certificate_changed": ("bad", "certificate", "Certificate changed"),
        "no_connector": ("idle", "plug-connected", "Waits for an agent"),
    },
    "agent": {
        "healthy": ("good", "circle-check", "Healthy"),
        "late": ("warn", "clock", "Late"),
        "unreachable": ("bad", "plug-connected-x", "Silent"),
        "revoked": ("idle", "ban", "Revoked"),
    },
    "quota": {
        "within": ("good", "circle-check", "Within"),
        "near": ("warn", "alert-triangle", "Near"),
        "full": ("warn", "hourglass-high", "At its limit"),
        "over": ("bad", "alert-octagon", "Over"),
    },
    "tenant": {
        "active": ("good", "circle-check", "Active"),
        "suspended": ("warn", "player-pause", "Suspended"),
        "closed": ("idle", "ban", "Closed"),
    },
    "token": {
        "open": ("good", "circle-check", "Valid"),
        "expired": ("idle", "hourglass-high", "Expired"),
        "revoked": ("idle", "ban", "Revoked"),
        "ownerless": ("warn", "alert-triangle", "Its maker has left"),
    },
    "power": {
        "poweredOn": ("good", "player-play", "On"),
        "poweredOff": ("idle", "player-stop", "Off"),
        "suspended": ("idle", "player-pause", "Suspended"),
    },
    "command": {
        "pending": ("idle", "clock", "Waits"),
        "accepted": ("run", "loader-2", "Under way"),
        "succeeded": ("good", "circle-check", "Done"),
        "failed": ("bad", "alert-octagon", "Failed"),
        "superseded": ("idle", "arrow-back-up", "Superseded"),
        "expired": ("warn", "hourglass-high", "Too late"),
    },
    "standing": {
        "draft": ("idle", "circle-dashed", "Planned"),
        "syncing": ("run", "refresh", "Copying"),
        "ready": ("good", "circle-check", "Ready"),
        "cutting_over": ("run", "switch-horizontal", "Cutting over"),
        "awaiting_commit": ("warn", "user-check", "Awaits your commit"),
        "committed": ("good", "circle-check-filled", "Committed"),
        "rolling_back": ("back", "arrow-back-up", "Rolling back"),
        "rolled_back": ("back", "arrow-back-up", "Rolled back"),
        "cancelled": ("idle", "ban", "Cancelled"),
    },
    "phase": {
        "planned": ("idle", "circle-dashed", "Planned"),
        "validating": ("run", "checklist", "Validating"),
        "observing": ("run", "wave-sine", "Observing"),
        "seeding": ("run", "database-import", "Seeding"),
        "syncing": ("run", "refresh", "Syncing"),
        "ready": ("good", "circle-check", "Ready"),
        "testing": ("run", "flask", "Testing"),
        "quiescing": ("run", "player-pause", "Shutting down"),
        "final_delta": ("run", "transfer", "Last round"),
        "switching": ("run", "switch-horizontal", "Switching"),
        "verifying": ("run", "shield-check", "Verifying"),
        "awaiting_commit": ("warn", "user-check", "Awaits your commit"),
        "committed": ("good", "circle-check-filled", "Committed"),
        "rolling_back": ("back", "arrow-back-up", "Rolling back"),
        "rolled_back": ("back", "arrow-back-up", "Rolled back"),
        "cancelled": ("idle", "ban", "Cancelled"),
        "failed": ("bad", "alert-octagon", "Failed"),
    },
}
