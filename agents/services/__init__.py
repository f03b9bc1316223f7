"""What changes sites, agents, commands and inventory."""

from agents.services.commands import (
    CommandBusy,
    CommandClash,
    command_close,
    commands_claim,
    commands_insert,
    commands_supersede,
)
from agents.services.enrolment import (
    Enrolled,
    EnrolmentExpired,
    EnrolmentRefused,
    EnrolmentUsed,
    Newcomer,
    agent_enrol,
    agent_revoke,
    agents_revoke_all,
    enrolment_create,
    enrolment_revoke,
)
from agents.services.inventory import inventory_apply, objects_upsert
from agents.services.offers import offer_grant, offers_refresh
from agents.services.reports import report_record, report_store, reports_apply
from agents.services.sites import (
    ConnectorMissing,
    SiteInvalid,
    SiteNameTaken,
    SiteUnconnected,
    site_certificate_accept,
    site_connect,
    site_create,
)
from agents.services.upgrades import (
    Asked,
    ReleaseMissing,
    UpgradeRefused,
    agent_upgrade,
    agents_upgrade,
    agents_upgrade_everywhere,
    release_need,
)
from agents.services.uploads import UploadBusy, UploadWrong, upload_drop, upload_keep, upload_preview
from agents.services.watching import endpoint_of, site_reconcile, site_wake

__all__ = [
    "Asked",
    "CommandBusy",
    "CommandClash",
    "ConnectorMissing",
    "Enrolled",
    "EnrolmentExpired",
    "EnrolmentRefused",
    "EnrolmentUsed",
    "Newcomer",
    "ReleaseMissing",
    "SiteInvalid",
    "SiteNameTaken",
    "SiteUnconnected",
    "UpgradeRefused",
    "UploadBusy",
    "UploadWrong",
    "agent_enrol",
    "agent_revoke",
    "agent_upgrade",
    "agents_revoke_all",
    "agents_upgrade",
    "agents_upgrade_everywhere",
    "command_close",
    "commands_claim",
    "commands_insert",
    "commands_supersede",
    "endpoint_of",
    "enrolment_create",
    "enrolment_revoke",
    "inventory_apply",
    "objects_upsert",
    "offer_grant",
    "offers_refresh",
    "release_need",
    "report_record",
    "report_store",
    "reports_apply",
    "site_certificate_accept",
    "site_connect",
    "site_create",
    "site_reconcile",
    "site_wake",
    "upload_drop",
    "upload_keep",
    "upload_preview",
]
