"""What the inventory bench's processes tell each other, as JSON."""

import time
from typing import Any
from uuid import UUID

import msgspec

from agents.hostagent.journal import Command


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The vCenter that rows are wanted for, and its connector's public keys' work; bytes as base64."""

    name: str
    host: str
    port: int
    user: str
    fingerprint: str
    sealed_password: str
    signing_key: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that were made."""

    tenant: UUID
    site: UUID
    agent: UUID
    command: UUID
    body: dict[str, Any]
    deadline: str


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Whose connector it is, what it is to watch, and where its reports go."""

    state: str
    journal: str
    socket: str
    agent: UUID
    command: Command


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A report on its way from the connector to the applier."""

    command: UUID
    number: int
    kind: str
    body: Any
    signature: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that the bench waits for, by the machine's monotonic clock."""

    said: str
    at: float


def say(what: str) -> None:
    """Tell the bench that it is so now."""
    print(msgspec.json.encode(Said(said=what, at=time.monotonic())).decode(), flush=True)
