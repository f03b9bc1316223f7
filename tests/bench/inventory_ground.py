"""What the inventory bench stands on: PostgreSQL, Redis, a vCenter of some size, and an applier for it."""

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg2
from cryptography.hazmat.primitives import serialization

from agents.domain.sealing import seal
from agents.hostagent.identity import StateFolder
from agents.hostagent.journal import Command
from lab.children import end_with_parent
from lab.simulator import Simulator
from portal.embedded import redis
from portal.embedded.postgres import SUPERUSER, Cluster
from portal.lib.keys import VARIABLE, keys_create
from portal.lib.roles import WEB, WORKER
from tests.bench.inventory_shapes import Orders, Rows, Said, Wanted

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "landfall"
HOSTS = tuple(f"esx{number:02}.bench.test" for number in range(1, 49))
SIMULATOR_S = 180.0
WITHIN_S = 600.0
EMPTY = "TRUNCATE report, virtual_disk, virtual_machine, cluster, host, datastore, network CASCADE"
DJANGO = "import sys, django; django.setup(); from tests.bench.{} import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Sample:
    """One life of a connector: seconds to a full database and of the resync after it.

    By process: the peak of its memory in bytes, and the processor's seconds for both together.
    """

    full: float
    resync: float
    peaks: Mapping[str, int]
    cpu: Mapping[str, float]


@dataclass(slots=True)
class Database:
    """A PostgreSQL with Landfall's schema, as durable as any, and the environment of what logs in."""

    cluster: Cluster
    folder: Path

    def environment(self, role: str) -> dict[str, str]:
        """The environment of a Django process of this role."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LANDFALL_ROLE": role,
            "LANDFALL_DB_HOST": str(self.cluster.folder),
            "LANDFALL_DB_NAME": DATABASE,
            "DATABASE_URL": "",
            "REDIS_URL": redis.url(self.folder / "redis"),
            VARIABLE: str(self.folder / "keys"),
        }

    def empty(self) -> None:
        """Forget every inventory and every report."""
        with closing(self._session()) as session, session, session.cursor() as cursor:
            cursor.execute(EMPTY)

    def count(self, table: str) -> int:
        """How many rows a table has, whoever's."""
        with closing(self._session()) as session, session.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE gone_at IS NULL")  # noqa: S608  ours
            [(found,)] = cursor.fetchall()
            return int(found)

    def _session(self) -> psycopg2.extensions.connection:
        return psycopg2.connect(host=str(self.cluster.folder), user=SUPERUSER, dbname=DATABASE)


@contextmanager
def database_up(folder: Path) -> Iterator[Database]:
    """Both servers up and migrated; ended with the block."""
    keys_create(folder / "keys")
    cluster = Cluster(folder / "pg")
    cluster.initialise()
    programs = [cluster.command(), redis.command(folder / "redis")]
    log = (folder / "servers.log").open("ab")
    running = [
        subprocess.Popen(argv, stdout=log, stderr=log, preexec_fn=end_with_parent) for argv in programs
    ]
    database = Database(cluster, folder)
    try:
        cluster.wait()
        cluster.prepare(DATABASE)
        migrate = [sys.executable, "manage.py", "migrate", "--database=migrate", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, env=database.environment(WEB), check=True)
        yield database
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()
        log.close()


@dataclass(slots=True)
class Estate:
    """A vCenter with so many machines, the rows of its site, and an applier that takes its reports."""

    database: Database
    folder: Path
    simulator: Simulator
    rows: Rows = field(init=False)
    applier: asyncio.subprocess.Process = field(init=False)

    async def bare(self) -> float:
        """Seconds of the bare batched read."""
        process = await _process([sys.executable, "-m", "tests.bench.inventory_bare"], os.environ)
        said, _ = await process.communicate(msgspec.json.encode(self.simulator.endpoint) + b"\n")
        return float(msgspec.json.decode(said)["seconds"])

    async def ours(self) -> Sample:
        """A connector from its order to its second whole sync, into an empty database."""
        await asyncio.to_thread(self.database.empty)
        used = {self.applier.pid: _cpu(self.applier.pid)}
        journal = self.folder / f"journal-{os.urandom(4).hex()}"
        connector = await _process([sys.executable, "-m", "tests.bench.inventory_connector"], os.environ)
        try:
            assert connector.stdin is not None
            connector.stdin.write(msgspec.json.encode(self._orders(journal)) + b"\n")
            async with asyncio.timeout(WITHIN_S):
                began = await _said(connector, "began")
                full = await _said(self.applier, "applied")
                first = await _said(connector, "synced")
                resync = await _said(self.applier, "applied")
            [child] = _children(connector.pid)
            pids = {"applier": self.applier.pid, "connector": connector.pid, "vcenter_process": child}
            peaks = {name: _peak(pid) for name, pid in pids.items()}
            cpu = {name: _cpu(pid) - used.get(pid, 0.0) for name, pid in pids.items()}
        finally:
            connector.kill()
            await connector.wait()
        return Sample(full=full - began, resync=resync - first, peaks=peaks, cpu=cpu)

    def _orders(self, journal: Path) -> Orders:
        command = Command(
            id=self.rows.command,
            unit_id=self.rows.site,
            generation=1,
            seq=1,
            step="watch_inventory",
            body=self.rows.body,
        )
        return Orders(
            state=str(self.folder / "state"),
            journal=str(journal),
            socket=str(self.folder / "applier"),
            agent=self.rows.agent,
            command=command,
        )

    async def prepare(self, name: str) -> None:
        """Make the rows, and start the applier."""
        make = [sys.executable, "-c", DJANGO.format("inventory_rows")]
        process = await _process(make, self.database.environment(WEB))
        said, _ = await process.communicate(msgspec.json.encode(self._wanted(name)) + b"\n")
        self.rows = msgspec.json.decode(said, type=Rows)
        take = [sys.executable, "-c", DJANGO.format("inventory_applier"), str(self.folder / "applier")]
        self.applier = await _process([*take, str(self.rows.tenant)], self.database.environment(WORKER))
        await _said(self.applier, "ready")

    def _wanted(self, name: str) -> Wanted:
        keys = StateFolder(self.folder / "state").keys()
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        endpoint = self.simulator.endpoint
        sealed = seal(keys.sealing.public_key().public_bytes(*raw), endpoint.password.encode())
        return Wanted(
            name=name,
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            fingerprint=endpoint.fingerprint,
            sealed_password=base64.b64encode(sealed).decode(),
            signing_key=base64.b64encode(keys.signing.public_key().public_bytes(*raw)).decode(),
        )


@asynccontextmanager
async def estate_up(
    database: Database, binary: Path, folder: Path, *, machines: int
) -> AsyncIterator[Estate]:
    """A vCenter with so many machines on 48 hosts; ended with the block."""
    folder.mkdir()
    simulator = await Simulator.start(binary, folder, machines=machines, hosts=HOSTS, within_s=SIMULATOR_S)
    estate = Estate(database, folder, simulator)
    try:
        await estate.prepare(f"{folder.name}-{machines}")
        yield estate
    finally:
        if hasattr(estate, "applier"):
            estate.applier.kill()
            await estate.applier.wait()
        await simulator.stop()


async def _process(argv: list[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, preexec_fn=end_with_parent
    )


async def _said(process: asyncio.subprocess.Process, what: str) -> float:
    """The moment of which the process tells next. Raises RuntimeError when it tells of another, or ends."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    said = msgspec.json.decode(line, type=Said) if line else Said(said="nothing more", at=0.0)
    if said.said != what:
        raise RuntimeError(f"waited for {what}, heard {said.said}")
    return said.at


def _peak(pid: int) -> int:
    """The most that a process has ever had in memory, in bytes."""
    [line] = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in each]
    return int(line.split()[1]) << 10


def _cpu(pid: int) -> float:
    """Seconds of the processor that a process has used so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
