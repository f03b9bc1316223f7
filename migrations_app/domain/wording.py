"""Conditions in words: what is the matter, and what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass

from migrations_app.domain.lifecycle import Condition


@dataclass(frozen=True, slots=True)
class Words:
    """A condition for a person: a title, what is the matter, and what to do (empty: nothing, it passes)."""

    title: str
    text: str
    remedy: str = ""


WORDS: Mapping[Condition, Words] = {
    Condition.PAUSED: Words("Paused", "A person paused the group between rounds.", "Resume the group."),
    Condition.AGENT_UNREACHABLE: Words(
        "Agent silent",
        "The agent on one of the machine's two hosts has not been heard of for a minute.",
        "Start it, or look at the network between it and the portal. Work goes on by itself then.",
    ),
    Condition.CONNECTOR_UNREACHABLE: Words(
        "Connector silent",
        "The connector of one of the two sites has not been heard of for a minute.",
        "Start it, or look at the network between it and the portal. Work goes on by itself then.",
    ),
    Condition.BEFORE_CUTOVER_TIME: Words(
        "Waiting for its time", "The cut-over is scheduled. Until then rounds go on and stay small."
    ),
    Condition.WAITING_FOR_TIER: Words(
        "Waiting for its boot tier",
        "Machines of an earlier boot tier do not run at the destination yet.",
        "Nothing, unless one of them has failed: retry that one, or bring it back.",
    ),
    Condition.GUEST_STILL_RUNNING: Words(
        "Guest still running",
        "The guest was told to shut down and has not ended by its deadline.",
        "Shut it down by hand. Or roll back, and choose a harder shutdown policy.",
    ),
    Condition.NOT_CONVERGING: Words(
        "Does not converge",
        "The last rounds left as much behind as the ones before: it changes as fast as it is copied.",
        "Allow more for the cut-over, lift the rate limit, or cut over at a quieter time.",
    ),
    Condition.DESTINATION_UNKNOWN: Words(
        "Destination state unknown",
        "The destination cannot say that its copy is off, so the source must not start: two could write.",
        "Bring the destination's agent back. Or make sure by hand that the machine is off there and say so.",
    ),
    Condition.UNVERIFIED: Words(
        "Unverified",
        "The destination's disk as it was before its first write cannot be read, and so not be compared.",
        "Check the machine by hand and accept it unverified, or roll back.",
    ),
    Condition.OVER_QUOTA: Words(
        "Waits for a place",
        "As many machines move at once as your policy allows. It begins when another is done.",
    ),
    Condition.RETRYING: Words("Trying again", "The last attempt failed; the next one comes by itself."),
}
