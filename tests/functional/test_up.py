"""`./landfall up` as an administrator runs it: on servers of its own and on real ones, killed and stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from portal.embedded import redis
from portal.embedded.postgres import SUPERUSER, Cluster
from portal.embedded.supervisor import Program, Supervisor
from tests.integration.embedded.shells import until

ROOT = Path(__file__).parents[2]
READY_S = 240.0
INSTALLER = "the-installers-own-secret"
INSIDE = """
from agents.models import Site
from agents.services import site_create
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import Actor, Role
from tenants.models import Membership, Tenant
with provider_context():
    provider = Tenant.objects.get()
"""
SITE_MAKE = f"""{INSIDE}
with tenant_context(provider.id):
    member = Membership.objects.get()
    actor = Actor(member.user_id, provider.id, Role(member.role))
    print(site_create(actor=actor, name="Frankfurt").id)
"""
SITE_SHOW = f"""{INSIDE}
with tenant_context(provider.id):
    connector = Site.objects.select_related("connector").get().connector
    print(connector.duties, connector.state)
"""

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600), pytest.mark.xdist_group("estate")]


@dataclass(frozen=True)
class Up:
    """One run of `up`, and what it told when it was ready."""

    process: "subprocess.Popen[bytes]"
    state: Path
    told: Mapping[str, str]

    def children(self) -> dict[str, Path]:
        """The /proc folder of each process that the supervisor runs, by its command line."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        folders = [Path("/proc") / pid for pid in task.read_text().split()]
        return {(folder / "cmdline").read_text().replace("\0", " "): folder for folder in folders}

    def environments(self) -> list[str]:
        """What each of those processes was given."""
        return [(folder / "environ").read_text() for folder in self.children().values()]

    def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit status that follows."""
        self.process.send_signal(number)
        return self.process.wait(90)


def up(state: Path, *options: str, environment: Mapping[str, str] | None = None) -> Up:
    """Run it, and return when it is ready."""
    ready = state.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "portal.embedded", "up", "--state", str(state), "--ready", str(ready)]
    process = subprocess.Popen([*argv, *options], cwd=ROOT, env={**os.environ, **(environment or {})})
    deadline = time.monotonic() + READY_S
    while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return Up(process, state, json.loads(ready.read_text()))


def refused(state: Path, *options: str) -> str:
    """What `up` says when it does not start."""
    argv = [sys.executable, "-m", "portal.embedded", "up", "--state", str(state), *options]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def answer(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as found:  # noqa: S310  an address of ours
            return found.status, found.read().decode()
    except HTTPError as error:
        return error.code, ""


def line_of(folder: Path) -> str:
    """The command line of a process; empty when it has ended."""
    try:
        return (folder / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def naming(text: str) -> list[str]:
    """The command lines of the processes that name `text`, but for this one's."""
    others = [folder for folder in Path("/proc").glob("[0-9]*") if folder.name != str(os.getpid())]
    return [line for folder in others if text in (line := line_of(folder))]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    shutil.rmtree(tmp_path / "state", ignore_errors=True)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """PostgreSQL with a password and Redis, as somebody else runs them; their addresses."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "password").write_text(f"{INSTALLER}\n")
    cluster = Cluster(folder / "pg")
    cluster.initialise("--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync")
    supervisor = Supervisor(folder / "log", root=folder)
    listening = lambda: (cluster.folder / ".s.PGSQL.5432").exists()  # noqa: E731
    argv = cluster.command("fsync=off")
    supervisor.start(Program("postgres", argv, ready=listening, stop_with=signal.SIGINT))
    answering = lambda: redis.answers(folder / "r")  # noqa: E731
    supervisor.start(Program("redis", redis.command(folder / "r"), ready=answering))
    login = f"postgresql://{SUPERUSER}:{INSTALLER}@/landfall?host={cluster.folder}"
    yield {"DATABASE_URL": login, "REDIS_URL": redis.url(folder / "r")}
    assert redis.answers(folder / "r")
    supervisor.stop()


@pytest.fixture(scope="module")
def real(servers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A portal on those servers, which ends when it is told to and leaves nothing."""
    state = tmp_path_factory.mktemp("real") / "state"
    running = up(state, "--port", "0", "--gateway-port", "0", environment=servers)
    yield running
    assert running.end(signal.SIGTERM) == 0
    assert naming(str(state)) == []


def test_a_killed_portal_starts_again_in_its_place_and_leaves_nothing(state: Path) -> None:
    first = up(state, "--port", "0", "--gateway-port", "0")
    port, gateway_port = (first.told[name].rpartition(":")[2] for name in ("portal", "gateway"))
    second_try = refused(state, "--port", "0", "--gateway-port", "0")
    taken_port = refused(state.with_name("other"), "--port", port, "--gateway-port", "0")
    first.end(signal.SIGKILL)

    again = up(state, "--port", port, "--gateway-port", gateway_port)
    page, _ = answer(f"{again.told['portal']}/accounts/login/")
    ended = again.end(signal.SIGINT)

    assert f"another portal runs from {state}" in second_try
    assert f"port {port}" in taken_port
    assert "--port, 0 for any free one" in taken_port
    assert first.told["password"]
    assert (again.told["password"], page, ended) == ("", 200, 0)
    assert naming(str(state)) == []
    assert list((state / "redis").iterdir()) == []


def test_it_answers_on_real_servers(real: Up) -> None:
    page, _ = answer(f"{real.told['portal']}/accounts/login/")

    said, health = answer(f"{real.told['gateway']}/healthz")
    told = json.loads(health)  # its connector may wait there already, or not yet

    assert (page, said) == (200, 200)
    assert (told["redis"], told["database"]) == (True, True)


def test_it_starts_no_servers_of_its_own_beside_real_ones(real: Up) -> None:
    assert len(real.children()) == 5
    assert not (real.state / "pgdata").exists()


def test_no_process_knows_the_installer_s_password(real: Up) -> None:
    assert INSTALLER not in "".join(real.environments())


def test_each_process_knows_its_own_password_and_no_other(real: Up) -> None:
    secrets = json.loads((real.state / "secrets.json").read_text())
    passwords = {name: secret for name, secret in secrets.items() if name.endswith("_PASSWORD")}
    known = [{name for name, secret in passwords.items() if secret in text} for text in real.environments()]

    assert sorted(map(sorted, known)) == [
        ["LANDFALL_GATEWAY_PASSWORD"],
        ["LANDFALL_WEB_PASSWORD"],
        ["LANDFALL_WEB_PASSWORD"],
        ["LANDFALL_WORKER_PASSWORD"],
        ["LANDFALL_WORKER_PASSWORD"],
    ]


def test_a_part_of_it_runs_beside_the_first_machine(
    real: Up, state: Path, servers: Mapping[str, str]
) -> None:
    state.mkdir()
    shutil.copytree(real.state / "keys", state / "keys")
    shutil.copy(real.state / "secrets.json", state / "secrets.json")
    nobody = servers["DATABASE_URL"].replace(f"{SUPERUSER}:{INSTALLER}@", "")
    options = ("--port", "0", "--gateway-url", real.told["gateway"], "--only", "web")

    part = up(state, *options, environment={**servers, "DATABASE_URL": nobody})
    lines = list(part.children())
    page, _ = answer(f"{part.told['portal']}/accounts/login/")
    ended = part.end(signal.SIGTERM)

    assert (page, ended, len(lines)) == (200, 0, 1)
    assert "granian" in lines[0]


def managed(real: Up, servers: Mapping[str, str], code: str) -> list[str]:
    """What a management command on that portal prints."""
    argv = [sys.executable, "-m", "portal.embedded", "manage", "--state", str(real.state)]
    argv += ["shell", "-v", "0", "-c", code]
    told = subprocess.run(argv, cwd=ROOT, env={**os.environ, **servers}, stdout=subprocess.PIPE, check=True)
    return told.stdout.decode().split()


def test_a_management_command_runs_on_it(real: Up, servers: Mapping[str, str]) -> None:
    ask = "from tenants.models import Person; print(Person.objects.get().email)"

    assert managed(real, servers, ask) == ["admin@provider.example"]


def test_a_site_of_the_provider_s_gets_a_connector_beside_the_portal(
    real: Up, servers: Mapping[str, str]
) -> None:
    [site] = managed(real, servers, SITE_MAKE)
    state = real.state / "connectors" / site

    assert until(lambda: (state / "journal.sqlite").exists())  # its agent runs
    assert managed(real, servers, SITE_SHOW) == ["['connector']", "enrolled"]
    assert "LANDFALL" not in (Path("/proc") / agent_pid(state) / "environ").read_text()


def agent_pid(state: Path) -> str:
    """The process of the agent that runs in a state folder."""
    return next(
        folder.name for folder in Path("/proc").glob("[0-9]*") if f"run --state {state}" in line_of(folder)
    )
