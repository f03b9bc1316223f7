"""The supervisor, over real processes."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import supervisor as module
from portal.embedded.supervisor import NotReady, Program, Stopped, Supervisor
from tests.integration.embedded.shells import alive, kill, shell, told, until


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path / "log", root=tmp_path, ready_s=20.0)
    yield running
    running.stop()


def writes_its_number(path: Path) -> str:
    return f"echo $$ >> {path}; exec sleep 1000"


def test_start_returns_when_the_program_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    born = tmp_path / "born"

    supervisor.start(shell("a", f"sleep 0.2; touch {born}; exec sleep 1000", ready=born.exists))

    assert born.exists()


def test_a_program_that_never_serves_is_told_with_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "log", root=tmp_path, ready_s=0.2)

    with pytest.raises(NotReady, match=r"a did not come up, see .*/log/a\.log"):
        supervisor.start(shell("a", "exec sleep 1000", ready=lambda: False))
    supervisor.stop()


def test_a_program_that_is_not_there_is_told(supervisor: Supervisor) -> None:
    with pytest.raises(NotReady, match=r"a cannot be run: .*/no/such/program"):
        supervisor.start(Program("a", ["/no/such/program"]))


def test_what_a_program_says_goes_to_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(shell("a", "echo out; echo err >&2; exec sleep 1000"))

    assert until(lambda: told(tmp_path / "log" / "a.log") == ["out", "err"])


def test_nobody_else_may_read_the_logs(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(shell("a", "exec sleep 1000"))

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700


def test_a_program_has_its_environment_beside_ours(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "ours")
    monkeypatch.setenv("BOTH", "ours")

    supervisor.start(shell("a", "echo $OURS $BOTH $ITS", environment={"BOTH": "its", "ITS": "own"}))

    assert until(lambda: told(tmp_path / "log" / "a.log") == ["ours", "its", "own"])


def test_it_starts_again_what_dies(supervisor: Supervisor, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    supervisor.start(shell("a", writes_its_number(numbers), ready=lambda: bool(told(numbers))))
    kill(told(numbers)[0], signal.SIGKILL)

    assert until(lambda: len(told(numbers)) == 2, doing=supervisor.revive)
    assert alive(told(numbers)[1])


def test_it_lets_a_program_live_that_lives(supervisor: Supervisor, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    supervisor.start(shell("a", writes_its_number(numbers), ready=lambda: bool(told(numbers))))
    supervisor.revive()
    supervisor.revive()

    assert len(told(numbers)) == 1


def test_a_program_that_dies_while_it_comes_up_gets_another_chance(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    numbers = tmp_path / "numbers"
    script = f"echo $$ >> {numbers}; [ $(wc -l < {numbers}) = 2 ] || exit 1; exec sleep 1000"

    supervisor.start(shell("a", script, ready=lambda: len(told(numbers)) == 2))

    assert alive(told(numbers)[1])


def test_each_death_in_a_row_is_told_and_waited_for_longer(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    supervisor.start(shell("a", "exit 7"))

    with caplog.at_level(logging.WARNING, "landfall.supervisor"):
        assert until(lambda: len(caplog.messages) == 4, doing=supervisor.revive)

    assert caplog.messages[0].startswith("a ended (7), see ")
    assert supervisor._running[0]._pause == pytest.approx(0.16)


def test_what_a_dead_program_left_behind_is_ended_before_it_starts_again(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    numbers, children = tmp_path / "numbers", tmp_path / "children"
    script = f"sleep 1000 & echo $! >> {children}; {writes_its_number(numbers)}"
    supervisor.start(shell("a", script, ready=lambda: bool(told(numbers))))
    kill(told(numbers)[0], signal.SIGKILL)

    assert until(lambda: len(told(numbers)) == 2, doing=supervisor.revive)
    assert not alive(told(children)[0])


def test_a_program_that_cannot_be_run_for_a_while_is_tried_again(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    numbers, program = tmp_path / "numbers", tmp_path / "program"
    program.symlink_to("/bin/sh")
    argv = [str(program), "-c", writes_its_number(numbers)]
    supervisor.start(Program("a", argv, ready=lambda: bool(told(numbers))))
    program.rename(tmp_path / "away")
    kill(told(numbers)[0], signal.SIGKILL)
    noticed = until(lambda: supervisor._running[0]._pause > 1, doing=supervisor.revive)
    (tmp_path / "away").rename(program)

    assert noticed
    assert until(lambda: len(told(numbers)) == 2, doing=supervisor.revive)


def test_it_stops_the_last_one_first(supervisor: Supervisor, tmp_path: Path) -> None:
    order, born = tmp_path / "order", tmp_path / "born"
    script = "trap 'echo {0} >> {1}; exit' TERM; echo {0} >> {2}; while :; do sleep 0.05; done"
    supervisor.start(shell("a", script.format("a", order, born), ready=lambda: "a" in told(born)))
    supervisor.start(shell("b", script.format("b", order, born), ready=lambda: "b" in told(born)))

    supervisor.stop()

    assert told(order) == ["b", "a"]


def test_a_program_is_asked_by_the_signal_that_it_wants(supervisor: Supervisor, tmp_path: Path) -> None:
    told_by, born = tmp_path / "told", tmp_path / "born"
    script = f"trap 'echo INT >> {told_by}; exit' INT; touch {born}; while :; do sleep 0.05; done"
    supervisor.start(shell("a", script, ready=born.exists, stop_with=signal.SIGINT))

    supervisor.stop()

    assert told(told_by) == ["INT"]


def test_a_program_that_does_not_end_when_asked_is_ended(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.3)
    numbers = tmp_path / "numbers"
    script = f"trap '' TERM; echo $$ >> {numbers}; while :; do sleep 0.05; done"
    supervisor.start(shell("a", script, ready=lambda: bool(told(numbers))))

    supervisor.stop()

    assert not alive(told(numbers)[0])


def test_a_program_takes_its_children_along(supervisor: Supervisor, tmp_path: Path) -> None:
    children = tmp_path / "children"
    script = f"sleep 1000 & echo $! >> {children}; exec sleep 1000"
    supervisor.start(shell("a", script, ready=lambda: bool(told(children))))

    supervisor.stop()

    assert until(lambda: not alive(told(children)[0]))


def test_stopping_twice_is_stopping_once(supervisor: Supervisor) -> None:
    supervisor.start(shell("a", "exec sleep 1000"))
    supervisor.stop()

    supervisor.stop()

    assert supervisor.stopping


def test_being_told_to_stop_ends_the_wait_for_a_program(supervisor: Supervisor, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"

    def ready() -> bool:
        until(lambda: told(numbers))
        supervisor.stop_ask()
        return False

    with pytest.raises(Stopped):
        supervisor.start(shell("a", writes_its_number(numbers), ready=ready))
    supervisor.stop()

    assert not alive(told(numbers)[0])


def test_nothing_is_started_after_being_told_to_stop(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.stop_ask()

    with pytest.raises(Stopped):
        supervisor.start(shell("a", f"touch {tmp_path}/born"))

    assert not (tmp_path / "log").exists()


def test_a_large_log_is_moved_aside_when_its_program_starts(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_MAX", 10)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.log").write_text("eleven bytes")

    supervisor.start(shell("a", "echo new; exec sleep 1000"))

    assert until(lambda: told(tmp_path / "log" / "a.log") == ["new"])
    assert (tmp_path / "log" / "a.log.1").read_text() == "eleven bytes"


def test_a_small_log_is_written_on(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.log").write_text("old\n")

    supervisor.start(shell("a", "echo new; exec sleep 1000"))

    assert until(lambda: told(tmp_path / "log" / "a.log") == ["old", "new"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_its_programs_end_with_it_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    numbers = tmp_path / "numbers"
    code = (
        "import pathlib, sys\n"
        "from portal.embedded.supervisor import Supervisor\n"
        "from tests.integration.embedded.shells import shell\n"
        f"one = Supervisor(pathlib.Path({str(tmp_path / 'log')!r}), root=pathlib.Path('/'))\n"
        f"one.start(shell('a', {writes_its_number(numbers)!r}))\n"
        "one.run()\n"
    )
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    assert until(lambda: told(numbers))

    os.kill(pid, number)
    os.waitpid(pid, 0)

    assert until(lambda: not alive(told(numbers)[0]))
