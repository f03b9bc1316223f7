"""What went wrong, in the contract's codes and in words for a person."""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.domain.protocol import Failed, Failure
from agents.domain.sealing import SealBroken
from agents.hostagent.engine import (
    EngineGone,
    EngineRefused,
    GuestEngineEnded,
    ResyncNeeded,
    ViewUnproved,
)
from agents.hostagent.freeze import GuestReturned, GuestStillRunning
from agents.hostagent.lock import DiskBusy, LockLost
from agents.hostagent.mover import TransferFailed
from agents.hostagent.path import PathClosed
from agents.hostagent.portal import PortalUnreachable
from agents.hostagent.wire import DestinationFull, TransferRefused


class StepFailed(Exception):
    """A step cannot do what it was told; carries the report's body."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.what)
        self.failed = failed


@dataclass(frozen=True, slots=True)
class _Words:
    code: Failure
    what: str
    remedy: str
    retry: bool = True


_TABLE: Mapping[type[Exception], _Words] = {
    GuestEngineEnded: _Words(
        Failure.ENGINE_GONE,
        "The machine's own QEMU has ended, and its record of changed blocks with it.",
        "Roll back: the machine starts again where it is. Then start it with -no-shutdown and migrate anew.",
        retry=False,
    ),
    EngineGone: _Words(
        Failure.ENGINE_GONE,
        "The storage daemon of this machine does not answer.",
        "See on the host whether it runs. Landfall goes on by itself when it is back.",
    ),
    EngineRefused: _Words(
        Failure.ENGINE_REFUSED,
        "The storage daemon refused what it was asked.",
        "The reason is the daemon's own; if it stays, release the machine and start again.",
    ),
    ResyncNeeded: _Words(
        Failure.RESYNC_NEEDED,
        "The record of changed blocks is gone.",
        "Nothing to do: the next round compares digests and sends what differs.",
    ),
    ViewUnproved: _Words(
        Failure.VIEW_UNPROVED,
        "A guest wrote to the destination before its disks could be proved.",
        "Roll back; and find out who started the machine at the destination.",
        retry=False,
    ),
    GuestStillRunning: _Words(
        Failure.GUEST_STILL_RUNNING,
        "The guest has not shut down within its deadline.",
        "Shut it down by hand, or choose to wait longer or to power it off hard.",
    ),
    GuestReturned: _Words(
        Failure.GUEST_RETURNED,
        "Somebody started the guest again while its disks were being frozen.",
        "Keep the machine off until the cut-over has ended.",
    ),
    DiskBusy: _Words(
        Failure.DISK_BUSY,
        "Something else on the host has the machine's disk open for writing.",
        "Stop what uses the disk; is the machine powered on?",
    ),
    LockLost: _Words(
        Failure.DISK_BUSY,
        "The lock on the machine's disk is not where it was left.",
        "Nobody may start the machine now. Roll back, or have the step run again.",
    ),
    PathClosed: _Words(
        Failure.PATH_CLOSED,
        "There is no path from this host to the destination's agent.",
        "Open the way to that address and port in the firewalls between, and see that the agent runs.",
    ),
    TransferFailed: _Words(
        Failure.TRANSFER_FAILED,
        "The line to the destination was cut and stayed so.",
        "See whether the two hosts reach each other. What has arrived is not sent again.",
    ),
    TransferRefused: _Words(
        Failure.TRANSFER_REFUSED,
        "The destination's agent refused the transfer.",
        "The reason is its own; see that both agents are enrolled and their clocks are right.",
    ),
    DestinationFull: _Words(
        Failure.DESTINATION_FULL,
        "The destination's datastore is full.",
        "Make room on it. The migration goes on where it stopped; nothing that has arrived is sent again.",
    ),
    PortalUnreachable: _Words(
        Failure.TRANSFER_REFUSED,
        "The portal gave no ticket for the transfer.",
        "The transfer goes on when the portal answers again.",
    ),
    SealBroken: _Words(
        Failure.CREDENTIALS_REFUSED,
        "The vCenter's password is not sealed to this connector.",
        "Enter the site's password again.",
        retry=False,
    ),
}


def failed_from(error: Exception) -> Failed:
    """The body of a `failed` report for anything that a step may raise."""
    if isinstance(error, StepFailed):
        return error.failed
    for kind, words in _TABLE.items():
        if isinstance(error, kind):
            return Failed(
                code=words.code, what=words.what, why=str(error), remedy=words.remedy, retry=words.retry
            )
    return Failed(
        code=Failure.INTERNAL,
        what="The agent met something that it was not made for.",
        why=f"{type(error).__name__}: {error}",
        remedy="The agent's log has the details.",
    )


def deadline_passed(step: str, code: Failure) -> Failed:
    """The body of a `failed` report when the command's own deadline ended it."""
    return Failed(
        code=code,
        what=f"The step {step} was not done by its deadline.",
        why="It was ended, and what it had begun was put back.",
        remedy="It may be tried again; if it stays so, see the host's and the line's load.",
    )
