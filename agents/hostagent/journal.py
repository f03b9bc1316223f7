"""What the agent must not forget: units' generations, commands, reports, and what it has put in place.

SQLite with synchronous=FULL: what a method has returned from is on disk. Every method is one transaction.
Progress alone does not wait for the disk, so that a frozen machine does not; `settle` has it there before it
is sent.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

SCHEMA = """
CREATE TABLE IF NOT EXISTS unit (id TEXT PRIMARY KEY, generation INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY, unit TEXT NOT NULL, generation INTEGER NOT NULL, seq INTEGER NOT NULL,
    content BLOB NOT NULL, ended INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS command_of_unit ON command (unit, generation);
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL, bulk INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, UNIQUE (command, number));
CREATE INDEX IF NOT EXISTS report_unsent ON report (bulk, id) WHERE sent = 0;
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS place (machine TEXT PRIMARY KEY, content BLOB NOT NULL);
"""
ENDS = frozenset({"succeeded", "failed", "superseded"})
Body = Mapping[str, Any]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command as the gateway gives it; `deadline` as ISO 8601 or Unix seconds, or None."""

    id: UUID
    unit_id: UUID
    generation: int
    seq: int
    step: str
    body: dict[str, Any]
    deadline: str | float | None = None
    signature: str = ""


class Received(StrEnum):
    """What a command is to the journal."""

    NEW = "new"
    UNDER_WAY = "under_way"
    ENDED = "ended"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Report:
    """A numbered report of a command, as it waits for the portal."""

    row: int
    command_id: UUID
    number: int
    kind: str
    body: Any
    length: int = 0


class Journal:
    """The agent's memory in one file."""

    def __init__(self, path: Path) -> None:
        self._wal = path.with_name(f"{path.name}-wal")
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    # -- commands -------------------------------------------------------------------------------

    def receive(self, command: Command) -> Received:
        """Remember a command, and say what it is; what it has been answered is queued once more."""
        with self._transaction():
            if (ended := self._ended(command.id)) is not None:
                self._say_again(command.id)
                return Received.ENDED if ended else Received.UNDER_WAY
            stale = self._is_stale(command)
            self._base.execute(
                "INSERT INTO command (id, unit, generation, seq, content) VALUES (?, ?, ?, ?, ?)",
                (*_key(command), msgspec.json.encode(command)),
            )
            if stale:
                self._report(command.id, "superseded", {}, bulk=False)
                return Received.SUPERSEDED
            self._raise_unit(command)
            self._report(command.id, "accepted", {}, bulk=False)
            return Received.NEW

    def under_way(self) -> list[Command]:
        """The commands that have no end yet, in the order in which they came."""
        rows = self._base.execute("SELECT content FROM command WHERE ended = 0 ORDER BY rowid")
        return [msgspec.json.decode(content, type=Command) for (content,) in rows]

    # -- reports --------------------------------------------------------------------------------

    def report(self, command_id: UUID, kind: str, body: Body, *, bulk: bool = False) -> bool:
        """Number and keep a report; False when the command has ended already. Bulk goes out last."""
        with self._transaction(durable=kind in ENDS):
            if self._ended(command_id) is not False:
                return False
            self._report(command_id, kind, body, bulk=bulk)
            return True

    def unsent(self, limit: int) -> list[Report]:
        """The next reports to send, in order."""
        rows = self._base.execute(
            "SELECT id, command, number, kind, body FROM report WHERE sent = 0 ORDER BY bulk, id LIMIT ?",
            (limit,),
        )
        return [
            Report(row, UUID(of), number, kind, msgspec.json.decode(b), len(b))
            for row, of, number, kind, b in rows
        ]

    def settle(self) -> None:
        """Have on disk what was kept so far; for any thread. A number that was sent is never given again."""
        with suppress(FileNotFoundError), self._wal.open("rb") as file:
            os.fsync(file.fileno())

    def unsent_count(self, command_id: UUID) -> int:
        """How many of a command's reports still wait."""
        query = "SELECT count(*) FROM report WHERE sent = 0 AND command = ?"
        return int(self._base.execute(query, (str(command_id),)).fetchone()[0])

    def sent(self, reports: Sequence[Report]) -> None:
        """The portal has them. Progress is then forgotten: nobody asks for it again."""
        with self._transaction():
            for report in reports:
                query = "UPDATE report SET sent = 1 WHERE id = ?"
                if report.kind == "progress":
                    query = "DELETE FROM report WHERE id = ?"
                self._base.execute(query, (report.row,))

    # -- the rest -------------------------------------------------------------------------------

    def count(self, name: str) -> int:
        """The next number of a counter, never given before."""
        with self._transaction():
            upsert = "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            self._base.execute(upsert, (name,))
            query = "SELECT value FROM counter WHERE name = ?"
            return int(self._base.execute(query, (name,)).fetchone()[0])

    def place_get(self, machine: str) -> bytes | None:
        """What was put in place for a machine."""
        row = self._base.execute("SELECT content FROM place WHERE machine = ?", (machine,)).fetchone()
        return None if row is None else bytes(row[0])

    def place_set(self, machine: str, content: bytes | None) -> None:
        """Remember what is in place for a machine; None when nothing is."""
        with self._transaction():
            self._base.execute("DELETE FROM place WHERE machine = ?", (machine,))
            if content is not None:
                self._base.execute("INSERT INTO place VALUES (?, ?)", (machine, content))

    def places(self) -> dict[str, bytes]:
        """All that is in place, by machine."""
        return {machine: bytes(content) for machine, content in self._base.execute("SELECT * FROM place")}

    # -- inside a transaction -------------------------------------------------------------------

    def _is_stale(self, command: Command) -> bool:
        query = "SELECT generation, seq FROM unit WHERE id = ?"
        seen = self._base.execute(query, (str(command.unit_id),)).fetchone()
        return seen is not None and (command.generation, command.seq) < tuple(seen)

    def _raise_unit(self, command: Command) -> None:
        unit = str(command.unit_id)
        query = "SELECT generation FROM unit WHERE id = ?"
        before = self._base.execute(query, (unit,)).fetchone()
        upsert = "INSERT OR REPLACE INTO unit (id, generation, seq) VALUES (?, ?, ?)"
        self._base.execute(upsert, (unit, command.generation, command.seq))
        if before is not None and before[0] < command.generation:
            self._prune(unit, command.generation)

    def _prune(self, unit: str, generation: int) -> None:
        """Below the stored generation the generation alone answers, once the portal has the end."""
        old = (
            "SELECT id FROM command WHERE unit = ? AND generation < ? AND ended = 1"
            " AND NOT EXISTS (SELECT 1 FROM report WHERE command = command.id AND sent = 0)"
        )
        ids = self._base.execute(old, (unit, generation)).fetchall()
        self._base.executemany("DELETE FROM report WHERE command = ?", ids)
        self._base.executemany("DELETE FROM command WHERE id = ?", ids)

    def _ended(self, command_id: UUID) -> bool | None:
        """Whether a command has ended; None when it is unknown."""
        row = self._base.execute("SELECT ended FROM command WHERE id = ?", (str(command_id),)).fetchone()
        return None if row is None else bool(row[0])

    def _say_again(self, command_id: UUID) -> None:
        self._base.execute("UPDATE report SET sent = 0 WHERE command = ?", (str(command_id),))

    def _report(self, command_id: UUID, kind: str, body: Body, *, bulk: bool) -> None:
        end = kind in ENDS
        update = "UPDATE command SET last = last + 1, ended = ? WHERE id = ?"
        self._base.execute(update, (end, str(command_id)))
        insert = (
            "INSERT INTO report (command, number, kind, body, bulk)"
            " SELECT id, last, ?, ?, ? FROM command WHERE id = ?"
        )
        self._base.execute(insert, (kind, msgspec.json.encode(body), bulk, str(command_id)))

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[None]:
        self._base.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")


def _key(command: Command) -> tuple[str, str, int, int]:
    return str(command.id), str(command.unit_id), command.generation, command.seq
