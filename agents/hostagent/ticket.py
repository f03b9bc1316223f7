"""Tickets: what the portal signs so that one agent lets another write one disk."""

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.domain.protocol import Ticket

LABEL = b"landfall-ticket\0"


class TicketInvalid(Exception):
    """The ticket is not one of the portal's, or not for this; the message says why."""


class TicketExpired(TicketInvalid):
    """It was valid once: a fresh one may be had."""


def ticket_read(sealed: bytes, portal_key: Ed25519PublicKey) -> Ticket:
    """The ticket, proved to be the portal's own. Raises TicketInvalid."""
    content, _, signature = sealed.partition(b".")
    try:
        signed = _decode(content)
        portal_key.verify(_decode(signature), LABEL + signed)
        return msgspec.json.decode(signed, type=Ticket)
    except (binascii.Error, ValueError, InvalidSignature, msgspec.MsgspecError) as error:
        raise TicketInvalid("the ticket is not one of the portal's") from error


def ticket_check(ticket: Ticket, *, peer: str, own: str, now: float) -> None:
    """See that it is for these two agents, and for now. Raises TicketInvalid."""
    if ticket.source != peer:
        raise TicketInvalid("the ticket is for another source")
    if ticket.destination != own:
        raise TicketInvalid("the ticket is for another destination")
    if now >= ticket.expires:
        raise TicketExpired("the ticket has expired")


def _decode(part: bytes) -> bytes:
    return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
