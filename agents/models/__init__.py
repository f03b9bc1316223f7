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
from agents.models.upload import InventoryUpload, UploadedMachine

__all__ = [
    "Agent",
    "Cluster",
    "Command",
    "Datastore",
    "Enrolment",
    "Host",
    "Inventoried",
    "InventoryUpload",
    "Network",
    "Offer",
    "Report",
    "Site",
    "UploadedMachine",
    "VirtualDisk",
    "VirtualMachine",
]
