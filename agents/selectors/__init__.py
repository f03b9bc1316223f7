"""What others may ask about sites, agents and commands."""

from agents.selectors.commands import commands_latest, commands_of_unit
from agents.selectors.due import Due, agents_waiting, offers_of_site, reports_due, sites_due
from agents.selectors.pulses import Pulse, agent_key, agents_pulse

__all__ = [
    "Due",
    "Pulse",
    "agent_key",
    "agents_pulse",
    "agents_waiting",
    "commands_latest",
    "commands_of_unit",
    "offers_of_site",
    "reports_due",
    "sites_due",
]
