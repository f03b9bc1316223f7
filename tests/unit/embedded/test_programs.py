"""Which programs a portal consists of, and what each is given."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import __main__ as entry
from portal.embedded.installation import Installation, Wishes
from portal.embedded.programs import NAMES, answers, programs
from portal.embedded.supervisor import Program


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Installation(Wishes(state=tmp_path / "s"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/landfall")
    monkeypatch.setenv("REDIS_URL", "redis://r/0")


class Answering(http.server.BaseHTTPRequestHandler):
    """Says what its server was told to say."""

    def do_GET(self) -> None:
        self.send_response(int(self.server.status))  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def made(folder: Path, **more: object) -> dict[str, Program]:
    wishes = Wishes(state=folder / "s", **{"port": 0, "gateway_port": 0, **more})  # type: ignore[arg-type]
    return {program.name: program for program in programs(Installation(wishes), wishes)}


def test_a_portal_is_all_of_them_in_the_order_of_their_start(tmp_path: Path) -> None:
    assert tuple(made(tmp_path)) == NAMES


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("only", [("web",), ("worker", "beat"), ("gateway",)])
def test_a_part_is_what_was_asked_for(tmp_path: Path, only: tuple[str, ...]) -> None:
    assert tuple(made(tmp_path, only=only)) == only


def test_what_is_left_out_is_left_out(tmp_path: Path) -> None:
    assert "connectors" not in made(tmp_path, without=("connectors",))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("gateway", "landfall_gateway"),
        ("worker", "landfall_worker"),
        ("beat", "landfall_worker"),
        ("web", "landfall_web"),
        ("connectors", "landfall_web"),
    ],
)
def test_each_runs_as_its_role(tmp_path: Path, name: str, role: str) -> None:
    assert made(tmp_path)[name].environment["LANDFALL_ROLE"] == role


@pytest.mark.parametrize("name", ["gateway", "web"])
def test_what_listens_does_so_on_loopback_unless_told(tmp_path: Path, name: str) -> None:
    argv = list(made(tmp_path)[name].argv)

    assert argv[argv.index("--host") + 1] == "127.0.0.1"


@pytest.mark.parametrize("name", ["gateway", "web"])
def test_it_listens_where_it_was_told_to(tmp_path: Path, name: str) -> None:
    argv = list(made(tmp_path, bind="127.0.0.2")[name].argv)

    assert argv[argv.index("--host") + 1] == "127.0.0.2"


def test_no_secret_is_in_a_command_line(tmp_path: Path) -> None:
    own = made(tmp_path)
    lines = " ".join(part for program in own.values() for part in program.argv)

    assert own["web"].environment["LANDFALL_SECRET_KEY"] not in lines


@pytest.mark.parametrize(("status", "serves"), [(200, True), (404, True), (500, False), (503, False)])
def test_it_serves_when_it_answers_without_a_fault_of_its_own(
    server: http.server.HTTPServer, status: int, serves: bool
) -> None:
    server.status = status  # type: ignore[attr-defined]

    assert answers("127.0.0.1", server.server_port, "/")() is serves


def test_it_does_not_serve_while_nobody_is_there(tmp_path: Path) -> None:
    ready = made(tmp_path)["web"].ready

    assert ready is not None
    assert not ready()


def test_a_port_that_is_taken_ends_the_start_with_its_reason(
    tmp_path: Path, server: http.server.HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(server.server_port)

    assert entry.main(["up", "--state", str(tmp_path / "s"), "--port", port, "--gateway-port", "0"]) == 1
    assert f"The portal did not start: port {port}" in capsys.readouterr().err


def test_an_unknown_word_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        entry.main(["up", "--prot", "8000"])

    assert "there is no --prot 8000" in capsys.readouterr().err


def test_a_part_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        entry.main(["up", "--only", "postgres"])

    assert "invalid choice: 'postgres'" in capsys.readouterr().err
