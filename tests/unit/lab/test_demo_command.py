"""`./landfall demo` as a command: what it prints where, its exit status, and its end by Ctrl-C."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lab.agents import EnrolmentFailed, port_free
from lab.children import ROOT
from lab.demo import __main__ as command
from lab.demo.results import document, table
from lab.demo.run import Demo, Told
from lab.folders import FolderTaken
from lab.stack import PortalDown
from lab.story import NotInTime
from tests.unit.lab.test_results import GOOD

SIGNS = "Portal    http://127.0.0.1:8000\nAlice     alice@acme.example  secret"


@dataclass
class Estate:
    """Stands for what the demo builds: it only notes what became of it."""

    good: bool = True
    before: Callable[[], Any] = lambda: None
    works_s: float = 0.0
    demo: Demo | None = None
    told: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def run(self, demo: Demo) -> AsyncIterator[Told]:
        self.demo = demo
        try:
            demo.tell("building")
            self.before()
            await asyncio.sleep(self.works_s)
            results = [GOOD if self.good else replace(GOOD, invoice_line=None)]
            self.told.append("shown")
            yield Told(results, document(results, seconds=1, address="http://127.0.0.1:8000"), SIGNS)
        finally:
            await asyncio.sleep(0.01)  # an end that takes its time is not cut short
            self.told.append("ended")


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> Estate:
    made = Estate()
    monkeypatch.setattr(command, "demo_run", made.run)
    return made


def interrupt(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


Output = pytest.CaptureFixture[str]


def test_json_is_all_that_goes_to_stdout(estate: Estate, capsys: Output) -> None:
    assert command.main(["--exit", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"] is True
    assert "building" in said.err
    assert estate.told == ["shown", "ended"]


def test_one_fault_is_enough_to_fail(estate: Estate, capsys: Output) -> None:
    estate.good = False
    assert command.main(["--exit", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"] == ["mail1: no invoice line"]


def test_a_person_gets_a_table_and_how_to_sign_in(estate: Estate, capsys: Output) -> None:
    assert command.main(["--exit"]) == 0
    said = capsys.readouterr().out
    assert "frozen→equal" in said
    assert "alice@acme.example" in said
    assert "Nothing was lost." in said


def test_a_person_is_told_what_was_lost(estate: Estate, capsys: Output) -> None:
    estate.good = False
    assert command.main(["--exit"]) == 1
    said = capsys.readouterr().out
    assert "mail1: no invoice line" in said
    assert "Nothing was lost." not in said


@pytest.mark.parametrize(
    "error",
    [
        PortalDown("port 8000 of 127.0.0.1 is not to be had (Address already in use)"),
        FolderTaken("another one already runs in var/demo"),
        NotInTime("not within 150 s: ready"),
        EnrolmentFailed("the token has expired"),
        FileNotFoundError("the Linux guest needs busybox-static"),
    ],
)
def test_what_hinders_it_is_told_in_a_line(estate: Estate, capsys: Output, error: Exception) -> None:
    estate.before = raising(error)
    assert command.main(["--exit"]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"The demo came to no end: {error}"
    assert said.out == ""
    assert estate.told == ["ended"]


def test_what_hinders_it_is_json_for_who_asked_for_json(estate: Estate, capsys: Output) -> None:
    estate.before = raising(NotInTime("not within 150 s: ready"))
    assert command.main(["--exit", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["faults"]) == (False, ["not within 150 s: ready"])


def test_a_mistake_of_ours_is_not_smoothed_over(estate: Estate) -> None:
    estate.before = raising(KeyError("units"))
    with pytest.raises(KeyError):
        command.main(["--exit"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_while_it_works_ends_all_that_runs(estate: Estate, capsys: Output, number: int) -> None:
    estate.before, estate.works_s = interrupt(number), 60.0
    assert command.main(["--json"]) == 130
    assert estate.told == ["ended"]
    assert capsys.readouterr().out == ""


def test_a_command_that_ctrl_c_reached_first_is_no_failure(estate: Estate, capsys: Output) -> None:
    def both() -> None:
        interrupt(signal.SIGINT)()
        raise OSError("go build was interrupted")

    estate.before = both
    assert command.main(["--exit"]) == 130
    assert "came to no end" not in capsys.readouterr().err


def test_it_keeps_running_until_ctrl_c_and_then_ends_well(
    estate: Estate, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def table_then_ctrl_c(results: Any) -> str:
        asyncio.get_running_loop().call_later(0.05, interrupt(signal.SIGINT))
        return table(results)

    monkeypatch.setattr(command, "table", table_then_ctrl_c)
    assert command.main([]) == 0
    assert "Ctrl-C ends it" in capsys.readouterr().err
    assert estate.told == ["shown", "ended"]


def test_where_images_go_and_on_which_ports_is_the_reader_s_choice(estate: Estate, tmp_path: Any) -> None:
    free = port_free()
    command.main(["--exit", "--keep", str(tmp_path), "--port", "0", "--gateway-port", str(free)])
    assert estate.demo is not None
    assert (estate.demo.keep, estate.demo.port, estate.demo.gateway_port) == (tmp_path, 0, free)


def test_a_taken_port_is_told_and_another_one_will_do(estate: Estate, capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.main(["--exit", "--port", str(port)]) == 0
    assert f"port {port} is taken" in capsys.readouterr().err
    assert estate.demo is not None
    assert estate.demo.port == 0


def test_by_default_it_is_below_the_checkout_and_keeps_nothing(estate: Estate) -> None:
    command.main(["--exit", "--port", "0", "--gateway-port", "0"])
    assert estate.demo is not None
    assert (estate.demo.folder, estate.demo.keep) == (ROOT / "var" / "demo", None)


def test_an_unknown_wish_is_refused(capsys: Output) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["--keep"])
    assert refused.value.code == 2
