"""The wire contract between the portal and its agents: steps, their bodies and results, failures, signatures.

Plain Python and msgspec, so that the program on a host shares it with the portal. Bodies are JSON objects;
unknown fields are ignored by both sides, and a missing one takes its default, so that either may be newer.
`docs/protocol.md` tells the same in prose, with the HTTP around it.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

VERSION = 1
LONG_POLL_S = 25
BEARER_LIFETIME_S = 900
TICKET_LIFETIME_S = 900


class Step(StrEnum):
    """Everything that an agent can be told to do."""

    # every agent's
    UPGRADE = "upgrade"
    # a connector's
    WATCH_INVENTORY = "watch_inventory"
    CREATE_MACHINE = "create_machine"
    SHUT_DOWN = "shut_down"
    POWER_OFF = "power_off"
    POWER_ON = "power_on"
    REMOVE_MACHINE = "remove_machine"
    # a source host's
    VALIDATE = "validate"
    SYNC = "sync"
    FREEZE = "freeze"
    VERIFY_SOURCE = "verify_source"
    RELEASE_SOURCE = "release_source"
    # a destination host's
    OPEN_LANDING = "open_landing"
    SWITCH = "switch"
    CHECK_RUNNING = "check_running"
    VERIFY_DESTINATION = "verify_destination"
    FENCE_DESTINATION = "fence_destination"
    RELEASE_DESTINATION = "release_destination"


class Failure(StrEnum):
    """Stable codes of a step's failure; `Failed.code` is one of them."""

    BAD_COMMAND = "bad_command"
    MACHINE_UNKNOWN = "machine_unknown"  # no such machine on this host, or in this vCenter
    DISKS_DIFFER = "disks_differ"  # vCenter and the engine disagree about number or size of disks
    ENGINE_GONE = "engine_gone"  # the storage daemon does not answer
    ENGINE_REFUSED = "engine_refused"
    RESYNC_NEEDED = "resync_needed"  # the bitmap is gone: the next sync begins by digests
    PATH_CLOSED = "path_closed"  # the source's host does not reach the destination's agent
    TRANSFER_FAILED = "transfer_failed"  # the line stayed cut through all attempts
    TRANSFER_REFUSED = "transfer_refused"  # the destination said no, with its reason
    DESTINATION_FULL = "destination_full"
    GUEST_STILL_RUNNING = "guest_still_running"  # past the freeze deadline; the policy decides
    GUEST_RETURNED = "guest_returned"
    DISK_BUSY = "disk_busy"  # somebody else holds the disk lock
    DIGESTS_DIFFER = "digests_differ"
    VIEW_UNPROVED = "view_unproved"  # a guest wrote before the view was in place
    VIEW_BROKEN = "view_broken"  # the view cannot be read: unverified, a person must accept
    GUEST_NOT_RUNNING = "guest_not_running"
    NAME_TAKEN = "name_taken"
    VCENTER_REFUSED = "vcenter_refused"
    VCENTER_UNREACHABLE = "vcenter_unreachable"
    VCENTER_HUNG = "vcenter_hung"
    CREDENTIALS_REFUSED = "credentials_refused"
    CERTIFICATE_CHANGED = "certificate_changed"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    SITE_UNKNOWN = "site_unknown"
    INTERNAL = "internal"
    # an upgrade's; the installer says the same codes
    RELEASE_UNSIGNED = "REL-01"  # no signature, or not the trusted key's
    RELEASE_OTHER_KEY = "REL-02"
    RELEASE_ALTERED = "REL-03"
    RELEASE_OLDER = "REL-04"
    RELEASE_UNFIT = "REL-05"  # for this host: another Python, no room, not put there by the installer
    RELEASE_ROLLED_BACK = "REL-06"  # it did not come up; the one before it runs again
    RELEASE_OUT_OF_REACH = "REL-07"


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a `failed` report. `retry` says whether the same may succeed later by itself."""

    code: Failure
    what: str
    why: str = ""
    remedy: str = ""
    retry: bool = True


class DiskShape(msgspec.Struct, frozen=True, kw_only=True):
    """A disk as vCenter's order names it ("0", "1", …); size in bytes."""

    name: str
    size: int


class PeerShape(msgspec.Struct, frozen=True, kw_only=True):
    """The other end of the line: host:port and the SHA-256 of the certificate it must show, hex."""

    address: str
    fingerprint: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A vCenter, for the connector; `password` is sealed to the connector's X25519 key, base64."""

    site: UUID
    host: str
    port: int
    username: str
    sealed_password: str
    fingerprint: str


# -- bodies ---------------------------------------------------------------------------------------


class WatchInventory(msgspec.Struct, frozen=True, kw_only=True):
    """Connect, report the whole inventory, then every change, until superseded; resync every so often."""

    endpoint: Endpoint
    resync_s: int = 900


class NicPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A network card to create: on which network, with which MAC (empty: a new one)."""

    network: str
    mac: str = ""
    kind: str = "vmxnet3"


class CreateMachine(msgspec.Struct, frozen=True, kw_only=True):
    """Create a machine, powered off, with blank disks; found again by `marker` in its annotation."""

    endpoint: Endpoint
    marker: str
    name: str
    host: str
    datastore: str
    disks: tuple[DiskShape, ...]
    cpus: int
    memory_mib: int
    guest_id: str
    firmware: str = "bios"
    nics: tuple[NicPlan, ...] = ()


class MachinePower(msgspec.Struct, frozen=True, kw_only=True):
    """Body of SHUT_DOWN, POWER_OFF, POWER_ON and REMOVE_MACHINE; REMOVE refuses without the marker."""

    endpoint: Endpoint
    machine: str
    marker: str = ""


class Validate(msgspec.Struct, frozen=True, kw_only=True):
    """Look, without changing anything, whether this machine's disks can be carried.

    `peer_address`, if any, is where the destination's agent listens, which must be reached from here.
    """

    machine: str
    disks: tuple[DiskShape, ...]
    peer_address: str = ""


class OpenLanding(msgspec.Struct, frozen=True, kw_only=True):
    """Take the destination's disk lock, attach, and let the source's agent in."""

    machine: str
    disks: tuple[DiskShape, ...]
    source_fingerprint: str


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """One round. Round 1 attaches and copies everything, later ones what changed; `tickets` by disk name."""

    machine: str
    round: int
    peer: PeerShape
    tickets: Mapping[str, str]
    rate_limit: int = 0


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """Wait for the guest's end, freeze, carry the last round and compare the transfer's digests."""

    machine: str
    peer: PeerShape
    tickets: Mapping[str, str]
    deadline_s: float


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Body of SWITCH, CHECK_RUNNING, VERIFY_*, FENCE_DESTINATION and RELEASE_*: the machine's moid."""

    machine: str
    deadline_s: float = 60.0


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """Take the release of this version that the portal serves, at a moment when no other step runs."""

    version: str


BODIES: Mapping[Step, type[msgspec.Struct]] = {
    Step.UPGRADE: Upgrade,
    Step.WATCH_INVENTORY: WatchInventory,
    Step.CREATE_MACHINE: CreateMachine,
    Step.SHUT_DOWN: MachinePower,
    Step.POWER_OFF: MachinePower,
    Step.POWER_ON: MachinePower,
    Step.REMOVE_MACHINE: MachinePower,
    Step.VALIDATE: Validate,
    Step.OPEN_LANDING: OpenLanding,
    Step.SYNC: Sync,
    Step.FREEZE: Freeze,
    Step.SWITCH: Machine,
    Step.CHECK_RUNNING: Machine,
    Step.VERIFY_SOURCE: Machine,
    Step.VERIFY_DESTINATION: Machine,
    Step.FENCE_DESTINATION: Machine,
    Step.RELEASE_SOURCE: Machine,
    Step.RELEASE_DESTINATION: Machine,
}


# -- results (the body of a `succeeded` report) and progress ----------------------------------------


class Upgraded(msgspec.Struct, frozen=True, kw_only=True):
    """The version that runs, and has reached the portal."""

    version: str


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine says of the machine's disks."""

    disks: tuple[DiskShape, ...]
    engine: str
    survives_power_off: bool
    guest_running: bool
    allocated_bytes: int = 0


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The new machine's moid."""

    machine: str


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """The landing is open; `address` is where this agent's receiver listens for the source."""

    address: str
    fingerprint: str


class SyncProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the round under way; `rate` in content bytes per second over the last seconds."""

    planned: int
    content: int
    wire: int
    rate: float
    connections: int = 1


class SyncDone(msgspec.Struct, frozen=True, kw_only=True):
    """One round, in bytes and seconds; `remaining_bytes` is what has become dirty meanwhile."""

    round: int
    planned: int
    content: int
    wire: int
    connections: int
    seconds: float
    remaining_bytes: int
    allocated_bytes: int = 0


class FreezeProgress(msgspec.Struct, frozen=True, kw_only=True):
    """`frozen` once it is: guest process gone, exports closed, flushed, lock held. The one evidence.

    `exports_closed` names the disks that no export lets a guest write to any more, whoever closed them.
    """

    frozen: bool
    exports_closed: tuple[str, ...] = ()


class FreezeDone(msgspec.Struct, frozen=True, kw_only=True):
    """The last round and the transfer's digests, roots by disk name, equal at both ends."""

    planned: int
    content: int
    wire: int
    source_roots: Mapping[str, str]
    destination_roots: Mapping[str, str]
    freeze_to_verified_s: float
    guest_end_to_frozen_s: float


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Roots by disk name, hashed from the disk itself and not from the transfer."""

    roots: Mapping[str, str]
    hashed_bytes: int
    seconds: float


# -- inventory reports: `progress` bodies of WATCH_INVENTORY --------------------------------------


class InventoryKind(StrEnum):
    """What one inventory report carries."""

    STATE = "state"  # {"state": SiteState, "reason": str, "fingerprint": str, "about": {...}}
    REFERENCES = "references"  # {"sync": str, "moids": {"vm": [...], "host": [...], ...}}: all else is gone
    OBJECTS = "objects"  # {"sync": str, "objects": [{"type", "moid", ...}]}, 500 at most
    GONE = "gone"  # {"moids": {"vm": [...]}}
    SYNCED = "synced"  # {"sync": str, "counts": {...}}: a whole resync has ended


# -- signatures -----------------------------------------------------------------------------------


def canonical(content: object) -> bytes:
    """Return the JSON of `content` with sorted keys: what is signed must be the same bytes at both ends."""
    return msgspec.json.encode(content, order="deterministic")


def command_digest(
    *, command_id: UUID, agent_id: UUID, unit_id: UUID, generation: int, seq: int, step: str, body: Any
) -> bytes:
    """Return what the portal signs (Ed25519) so that an agent knows a command for the portal's own."""
    named = {
        "agent": str(agent_id),
        "body": body,
        "command": str(command_id),
        "generation": generation,
        "seq": seq,
        "step": step,
        "unit": str(unit_id),
        "version": VERSION,
    }
    return hashlib.sha256(b"landfall-command\0" + canonical(named)).digest()


def report_digest(*, agent_id: UUID, command_id: UUID, number: int, kind: str, body: Any) -> bytes:
    """Return what an agent signs (Ed25519) so that the portal knows a report for its own."""
    named = {
        "agent": str(agent_id),
        "body": body,
        "command": str(command_id),
        "kind": kind,
        "number": number,
        "version": VERSION,
    }
    return hashlib.sha256(b"landfall-report\0" + canonical(named)).digest()


def session_digest(*, agent_id: UUID, at: int, nonce: str) -> bytes:
    """Return what an agent signs to get a bearer; `at` is its clock in Unix seconds."""
    named = {"agent": str(agent_id), "at": at, "nonce": nonce, "version": VERSION}
    return hashlib.sha256(b"landfall-session\0" + canonical(named)).digest()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What the portal lets one agent write at another: signed, short-lived, bound to everything it is for."""

    unit: UUID
    generation: int
    machine: str
    disk: str
    size: int
    direction: str
    source: str
    destination: str
    expires: int
