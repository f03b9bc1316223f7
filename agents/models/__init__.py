"""Everything at the far end of a wire: sites and what is there, agents, commands, reports."""

from agents.models.agent import Agent, Enrolment
from agents.models.command import Command, Report
from agents.models.inventory import (
    Cluster,
    Datastore,
    Host,
    Inventoried,
    Network,
    VirtualDisk,
    VirtualMachine,
)
from agents.models.site import Offer, Site

__all__ = [
    "Agent",
    "Cluster",
    "Command",
    "Datastore",
    "Enrolment",
    "Host",
    "Inventoried",
    "Network",
    "Offer",
    "Report",
    "Site",
    "VirtualDisk",
    "VirtualMachine",
]
