"""Where cells are run: barriers that are held and let go, victims and who they are at which moment."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab import stack
from lab.agents import LabAgent
from lab.faults import ground as module
from lab.faults.bench import Bench, cell_run
from lab.faults.cells import MOMENTS, Cell, Holder, Special, Victim
from lab.faults.ground import Ground, NotReached
from lab.pair import Pair
from lab.session import PortalAway
from lab.stack import NobodyThere
from lab.story import Story

FREEZE = next(moment for moment in MOMENTS if moment.barrier == "freeze.done")
POWER_ON = next(moment for moment in MOMENTS if moment.barrier == "power_on.done")
NAMES = ("acme-1", "provider-1", "provider-connector")


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """A ground with agents that were never started."""
    near, host, connector = [LabAgent(name, tmp_path / name) for name in NAMES]
    pair = cast(Any, SimpleNamespace)(near_agents=[near], far_host=host, far_connector=connector)
    (tmp_path / "hold").mkdir()
    return Ground(cast(Story, SimpleNamespace(pair=cast(Pair, pair))), lambda: 4194305, tmp_path)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.001)
    monkeypatch.setattr(module, "REACH_S", 0.05)


def held(ground: Ground) -> list[str]:
    return sorted(path.name for path in ground.hold.iterdir())


async def test_it_acts_while_somebody_stands_at_the_barrier(ground: Ground, hasty: None) -> None:
    seen: list[list[str]] = []

    async def agent() -> None:
        while held(ground) != ["freeze.done.hold"]:
            await asyncio.sleep(0.001)
        (ground.hold / "freeze.done.reached").touch()

    async def act() -> None:
        seen.append(held(ground))

    await asyncio.gather(agent(), ground.at(FREEZE, act))
    assert seen == [["freeze.done.hold", "freeze.done.reached"]]
    assert held(ground) == []


async def test_nobody_comes_to_the_barrier(ground: Ground, hasty: None) -> None:
    async def act() -> None:
        pytest.fail("nobody was there")

    with pytest.raises(NotReached, match=r"freeze\.done"):
        await ground.at(FREEZE, act)
    assert held(ground) == []


async def test_a_barrier_is_let_go_when_the_deed_fails(ground: Ground, hasty: None) -> None:
    (ground.hold / "freeze.done.reached").touch()

    async def act() -> None:
        raise OSError("no such daemon")

    with pytest.raises(OSError, match="no such daemon"):
        await ground.at(FREEZE, act)
    assert held(ground) == []


def test_every_machine_has_a_name_of_its_own(ground: Ground) -> None:
    first = ground.name()
    ground.runs[first] = cast(Any, None)
    assert ground.name() != first


def test_holders_are_the_agents_that_have_these_duties(ground: Ground) -> None:
    assert [ground.holder(holder).name for holder in Holder] == ["acme-1", "provider-1", "acme-1", NAMES[2]]


@pytest.mark.parametrize(
    ("victim", "moment", "name"),
    [
        (Victim.SOURCE_AGENT, POWER_ON, "acme-1"),
        (Victim.DESTINATION_AGENT, FREEZE, "provider-1"),
        (Victim.CONNECTOR, FREEZE, "acme-1"),
        (Victim.CONNECTOR, POWER_ON, "provider-connector"),
    ],
)
async def test_a_killed_agent_is_the_one_meant_and_comes_back(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, victim: Victim, moment: Any, name: str
) -> None:
    monkeypatch.setattr(module, "BACK_AFTER_S", 0.0)
    started: list[str] = []
    monkeypatch.setattr(LabAgent, "start", lambda agent: started.append(agent.name))
    assert await ground.kill(victim, moment) == f"{victim} {name}"
    assert started == [name]


async def test_a_process_of_the_portal_that_is_not_there_cannot_be_killed(ground: Ground) -> None:
    with pytest.raises(NobodyThere, match="redis"):
        await ground.kill(Victim.REDIS, FREEZE)


def test_every_process_of_the_portal_can_be_told_from_the_others() -> None:
    of_agents = {Victim.CONNECTOR, Victim.SOURCE_AGENT, Victim.DESTINATION_AGENT}
    assert set(stack.MARKS) == set(Victim) - of_agents
    assert len(set(stack.MARKS.values())) == len(stack.MARKS)


async def test_a_cell_that_breaks_off_is_a_broken_cell_and_no_end_of_the_bench(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise PortalAway("GET /groups/7/")

    async def gone(*_: object) -> None:
        """It is removed."""

    monkeypatch.setattr("lab.faults.bench.special_cell", away)
    monkeypatch.setattr(Ground, "machine_end", gone)
    outcome = await cell_run(ground, Cell(special=Special.LINK_CUT))
    assert not outcome.ok
    assert "GET /groups/7/" in outcome.broken[0]


async def test_a_bench_goes_on_after_a_line_that_a_kill_tore(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = tmp_path / "done.jsonl"
    cells = [Cell(special=Special.LINK_CUT), Cell(special=Special.DISK_FULL)]
    done.write_text('{"seed": 7, "cell": "link_cut_30_s", "ok": true}\n{"seed": 7, "cell": "destina')

    async def run(_: Ground, cell: Cell) -> Any:
        return SimpleNamespace(
            **{"cell": cell.name, "end": "committed", "seconds": 1, "broken": [], "not_measured": ""},
            told=lambda: {"cell": cell.name, "ok": True},
        )

    monkeypatch.setattr("lab.faults.bench.cell_run", run)
    told: list[str] = []
    bench = Bench(cells, done, seed=7, tell=told.append)
    await bench.run(ground)
    assert [one["cell"] for one in bench.outcomes()] == [cell.name for cell in cells]
    assert len(told) == 1
    await bench.run(ground)
    assert len(told) == 1
