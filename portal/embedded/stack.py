"""The portal on one machine: prepares its database, starts its processes in order, stops them all."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

from psycopg2 import OperationalError

from portal.embedded import redis
from portal.embedded.claim import Claim
from portal.embedded.installation import DATABASE, ROOT, Installation, Unfit, Wishes
from portal.embedded.postgres import Cluster, roles_make
from portal.embedded.programs import programs
from portal.embedded.supervisor import Program, Supervisor
from portal.lib.roles import MIGRATE


class Stack:
    """One running portal; its state folder is its alone from the beginning to `stop`."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self.installation = Installation(wishes)
        self._claim = Claim(self.installation.state)
        log = self.installation.state / "log"
        self.supervisor = Supervisor(log, root=ROOT, inherited=(self._claim.inherited,))

    def start(self) -> None:
        """Start everything that was asked for, in order. Raises NotReady, Unfit."""
        ours = programs(self.installation, self._wishes)  # first, as a taken port shall cost no time
        if not self._wishes.only:
            self.servers_start()
        for program in ours:
            self.supervisor.start(program)

    def servers_start(self) -> None:
        """Start what the portal stands on, its schema made. Raises NotReady, Unfit."""
        self._database_start()
        self._redis_start()
        self.installation.manage("migrate", "--database=migrate", "--verbosity=0", role=MIGRATE)

    def stop(self) -> None:
        """Stop everything, and remove what lay outside the state folder."""
        self.supervisor.stop()
        sockets = self.installation.sockets
        if sockets != self.installation.state:
            for path in sorted(sockets.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            sockets.rmdir()
        self._claim.release()

    def _database_start(self) -> None:
        if installer := self.installation.installer:
            try:
                roles_make(installer, passwords=self.installation.passwords)
            except OperationalError as error:
                raise Unfit(f"the database of DATABASE_URL cannot be used: {str(error).strip()}") from error
            return
        cluster = Cluster(self.installation.sockets / "pg", pgdata=self.installation.state / "pgdata")
        cluster.initialise()
        argv = cluster.command()
        # SIGINT ends sessions; PostgreSQL's answer to SIGTERM is to wait for them.
        server = Program("postgres", argv, ready=cluster.answers, stop_with=signal.SIGINT)
        self.supervisor.start(server)
        cluster.prepare(DATABASE)

    def _redis_start(self) -> None:
        if self.installation.external_redis:
            return
        folder = self.installation.sockets / "redis"
        server = Program("redis", redis.command(folder), ready=lambda: redis.answers(folder))
        self.supervisor.start(server)


def ready_write(path: Path, content: Mapping[str, object]) -> None:
    """Tell whoever started us that the portal answers, and where."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    fresh.chmod(0o600)
    fresh.replace(path)
