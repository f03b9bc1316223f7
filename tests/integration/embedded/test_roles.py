"""The roles of an installation, on the embedded server and on a real one with passwords."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from portal.embedded import postgres
from portal.embedded.postgres import Cluster, roles_make
from portal.embedded.supervisor import Program, Supervisor
from portal.lib.env import DatabaseAddress, database_parse
from portal.lib.roles import ACROSS_FUNCTIONS, GATEWAY, LOGINS, MIGRATE, WEB, WORKER, across_role

DEBIAN = Path("/usr/lib/postgresql/15/bin")
SERVERS = [
    pytest.param(None, id="wheel"),
    pytest.param(
        DEBIAN, id="debian", marks=pytest.mark.skipif(not DEBIAN.exists(), reason="no PostgreSQL 15 here")
    ),
]
PASSWORDS = {role: f"secret of {role}" for role in (*LOGINS, MIGRATE)}


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseAddress]:
    """A server on a port of loopback that wants passwords, as an administrator would run it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "password").write_text("of the installer\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "binary", _binaries(request.param))
        cluster = Cluster(folder / "pg")
        cluster.initialise("--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync")
        port = _free_port()
        settings = (f"port={port}", "listen_addresses=127.0.0.1", "fsync=off")
        argv = [part for part in cluster.command(*settings) if part != "listen_addresses="]
    supervisor = Supervisor(folder / "log", root=folder)
    address = database_parse(f"postgresql://postgres:of%20the%20installer@127.0.0.1:{port}/landfall")
    supervisor.start(
        Program("postgres", _without_empty(argv), ready=lambda: _answers(address), stop_with=signal.SIGINT)
    )
    yield address
    supervisor.stop()


def _binaries(folder: Path | None) -> Callable[[str], Path]:
    return (lambda name: folder / name) if folder else postgres.binary


def _without_empty(argv: list[str]) -> list[str]:
    """The vector without an option that has lost its value."""
    return [part for at, part in enumerate(argv) if part != "-c" or argv[at + 1] != "-c"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(address: DatabaseAddress) -> bool:
    try:
        _login(address, address.user, address.password, "postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _login(address: DatabaseAddress, user: str, password: str, database: str = "landfall") -> Any:
    return psycopg2.connect(
        host=address.host, port=address.port, user=user, password=password, dbname=database
    )


def column(address: DatabaseAddress, user: str, sql: str) -> list[Any]:
    """The first column of an answer to one of the roles, by its password."""
    password = PASSWORDS.get(user, address.password)
    with closing(_login(address, user, password)) as session, session.cursor() as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def made(server: DatabaseAddress) -> DatabaseAddress:
    roles_make(server, passwords=PASSWORDS)
    return server


@pytest.mark.parametrize("role", [WEB, WORKER, GATEWAY, MIGRATE])
def test_each_role_logs_in_with_its_own_password(made: DatabaseAddress, role: str) -> None:
    assert column(made, role, "SELECT current_user") == [role]


@pytest.mark.parametrize(("role", "other"), [(WEB, WORKER), (GATEWAY, WEB), (WORKER, MIGRATE)])
def test_no_role_logs_in_with_another_s_password(made: DatabaseAddress, role: str, other: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        _login(made, role, PASSWORDS[other])


def test_the_owners_of_functions_cannot_log_in(made: DatabaseAddress) -> None:
    found = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'landfall_fn_%' AND NOT rolcanlogin"

    assert set(column(made, MIGRATE, found)) == {across_role(name) for name in ACROSS_FUNCTIONS}


def test_no_role_of_ours_is_more_than_it_must_be(made: DatabaseAddress) -> None:
    mighty = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'landfall%'"
    mighty += " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)"

    assert column(made, MIGRATE, mighty) == []


def test_only_the_migrating_role_may_make_tables(made: DatabaseAddress) -> None:
    may = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'landfall%'"
    may += " AND has_schema_privilege(rolname, 'public', 'CREATE')"

    assert column(made, made.user, may) == [MIGRATE]


def test_the_migrating_role_reads_nothing_by_way_of_a_function_s_owner(made: DatabaseAddress) -> None:
    uses = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'landfall_fn_%'"
    uses += f" AND pg_has_role('{MIGRATE}', oid, 'USAGE')"

    assert column(made, made.user, uses) == []


def test_the_migrating_role_may_hand_a_function_over(made: DatabaseAddress) -> None:
    member = "SELECT DISTINCT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname LIKE 'landfall_fn_%'"

    assert column(made, MIGRATE, member) == [True]


def test_making_them_twice_changes_nothing(made: DatabaseAddress) -> None:
    roles_make(made, passwords=PASSWORDS)

    assert column(made, WEB, "SELECT current_user") == [WEB]


def test_a_password_that_was_changed_holds_from_the_next_start(made: DatabaseAddress) -> None:
    roles_make(made, passwords={WEB: "another"})

    with pytest.raises(psycopg2.OperationalError):
        _login(made, WEB, PASSWORDS[WEB])
    _login(made, WEB, "another").close()


def test_a_password_may_hold_what_sql_would_take_for_its_own(made: DatabaseAddress) -> None:
    roles_make(made, passwords={WEB: "it's; DROP ROLE landfall_worker --"})

    _login(made, WEB, "it's; DROP ROLE landfall_worker --").close()
    assert column(made, WORKER, "SELECT current_user") == [WORKER]


def test_a_database_may_have_any_name(made: DatabaseAddress) -> None:
    named = DatabaseAddress(made.host, made.port, 'a "b" c', made.user, made.password)

    roles_make(named)

    _login(made, MIGRATE, PASSWORDS[MIGRATE], 'a "b" c').close()


def test_an_installer_with_a_wrong_password_is_told_so(server: DatabaseAddress) -> None:
    stranger = DatabaseAddress(server.host, server.port, "landfall", "postgres", "wrong")

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        roles_make(stranger)
