"""The lab's agents: their duties, their installation, and what a refused one says."""

import json
import socket
from pathlib import Path

import pytest

from lab.agents import EnrolmentFailed, LabAgent, port_free
from lab.link import Link


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", port_free())) as server:
        assert server.getsockname()[1] > 0


@pytest.mark.parametrize(
    ("machines", "connector", "duties"),
    [(Path("/m"), False, "host"), (Path("/m"), True, "host,connector"), (None, True, "connector")],
)
def test_duties_follow_from_what_an_agent_has(
    tmp_path: Path, machines: Path | None, connector: bool, duties: str
) -> None:
    assert LabAgent("a", tmp_path, machines=machines, connector=connector).duties == duties


def test_it_is_who_the_portal_said(tmp_path: Path) -> None:
    (tmp_path / "agent.json").write_text(json.dumps({"agent_id": "a-7", "more": 1}))
    assert LabAgent("a", tmp_path).agent_id == "a-7"


async def test_an_agent_that_nobody_takes_says_why(tmp_path: Path) -> None:
    agent = LabAgent("acme-1", tmp_path / "state", "esx1", connector=True)
    with pytest.raises(EnrolmentFailed) as refused:
        await agent.enrol(portal=f"http://127.0.0.1:{port_free()}", token="spent")  # noqa: S106
    assert str(refused.value)
    assert not (tmp_path / "state" / "agent.json").exists()


async def test_ending_one_that_never_ran_is_no_error(tmp_path: Path) -> None:
    agent = LabAgent("acme-1", tmp_path, link=Link())
    await agent.kill()
    await agent.stop()
