"""The agent and its portal, over real HTTP with real faults."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.hostagent import agent as agent_module
from agents.hostagent import portal as portal_module
from agents.hostagent.__main__ import main
from agents.hostagent.installed import VERSION
from agents.hostagent.portal import PortalBusy
from tests.integration.hostagent.members import enrolled, running
from tests.integration.hostagent.portal import Given, Member, SmallPortal

UNIT = UUID(int=7)


async def give(portal: SmallPortal, member: Member, *, seq: int = 1, generation: int = 1) -> Given:
    """A command that a connector ends at once: it has not the duty."""
    body = {"machine": "vm-1"}
    return await portal.give(member.id, "switch", body, unit=UNIT, seq=seq, generation=generation)


async def test_enrolment_spends_the_token_and_keeps_what_the_portal_answers(
    portal: SmallPortal, tmp_path: Path
) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    assert portal.tokens == set()
    assert folder.settings().gateway == portal.url
    assert folder.identity.fingerprint == member.fingerprint
    assert "BEGIN CERTIFICATE" in folder.authority


async def test_enrolling_twice_changes_nothing(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    await enrolled(portal, tmp_path / "a")
    assert folder.settings().agent_id == member.id
    assert len(portal.tokens) == 1


async def test_a_spent_token_is_told_in_words(
    portal: SmallPortal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["enrol", "--portal", portal.url, "--token", "spent", "--state", str(tmp_path / "a")]
    assert await asyncio.to_thread(main, argv) == 1
    assert "ENR-02" in capsys.readouterr().err


async def test_a_busy_portal_is_waited_for_as_long_as_it_says(
    portal: SmallPortal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    portal.busy = ["1"]
    await enrolled(portal, tmp_path / "a")
    assert "next try in 1 s" in caplog.text


@pytest.mark.parametrize("said", ["60", "86400", "Thu, 01 Jan 2099 00:00:00 GMT", "soon"])
async def test_a_portal_that_stays_busy_is_told_in_words(
    portal: SmallPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(portal_module, "BUSY_MOST_S", 5.0)
    portal.busy = [said]
    with pytest.raises(PortalBusy, match="429 throttled") as busy:
        await enrolled(portal, tmp_path / "a")
    assert busy.value.wait_s <= portal_module.BUSY_WAIT_MOST_S


async def test_a_token_may_begin_with_a_dash(portal: SmallPortal, tmp_path: Path) -> None:
    portal.tokens.add("-dash")
    argv = ["enrol", "--portal", portal.url, "--token", "-dash", "--state", str(tmp_path / "a")]
    assert await asyncio.to_thread(main, argv) == 0


def test_a_portal_in_the_clear_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["enrol", "--portal", "http://portal.example", "--token", "t", "--state", str(tmp_path / "a")]
    assert main(argv) == 1
    assert "is not https" in capsys.readouterr().err


def test_an_agent_that_is_not_enrolled_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--state", str(tmp_path)]) == 1
    assert "run `enrol` first" in capsys.readouterr().err


async def test_a_command_is_accepted_and_ended(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        given = await give(portal, member)
        end = await portal.ended(given)
    assert [given.reports[number]["kind"] for number in (1, 2)] == ["accepted", "failed"]
    assert end["body"]["code"] == "bad_command"


async def test_a_command_that_the_portal_has_not_signed_is_not_even_accepted(
    portal: SmallPortal, tmp_path: Path
) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    body = {"machine": "vm-1"}
    forged = await portal.give(member.id, "switch", body, unit=UNIT, key=Ed25519PrivateKey.generate())
    genuine = await give(portal, member)
    async with running(folder):
        await portal.ended(genuine)
    assert forged.deliveries == 1
    assert not forged.accepted


async def test_a_command_for_another_agent_is_refused(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    stolen = await portal.give(uuid4(), "switch", {"machine": "vm-1"}, unit=UNIT)
    stolen.agent = member.id
    genuine = await give(portal, member)
    async with running(folder):
        await portal.ended(genuine)
    assert not stolen.accepted


async def test_the_same_command_again_is_answered_by_the_same_end(
    portal: SmallPortal, tmp_path: Path
) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        given = await give(portal, member)
        end = await portal.ended(given)
        await portal.give_again(given)
        await portal.until(lambda: given.received == 4)
    assert given.end == end
    assert len(given.reports) == 2


async def test_a_lower_generation_is_superseded(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        await portal.ended(await give(portal, member, generation=2))
        late = await portal.ended(await give(portal, member, generation=1))
    assert late["kind"] == "superseded"


async def test_reports_wait_for_a_portal_that_is_down(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        first = await give(portal, member)
        await portal.until(lambda: first.deliveries)
        portal.down = True
        await asyncio.sleep(1)
        portal.down = False
        end = await portal.ended(first)
    assert end["kind"] == "failed"


async def test_a_report_whose_answer_is_lost_is_sent_again(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    portal.lose_answers = 1
    async with running(folder):
        given = await give(portal, member)
        await portal.until(lambda: given.received > 2)
    assert sorted(given.reports) == [1, 2]


async def test_reports_survive_a_stop_of_the_agent(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    portal.lose_answers = 1000
    async with running(folder):
        given = await give(portal, member)
        await portal.until(lambda: given.received > 0)
    portal.lose_answers = 0
    async with running(folder):
        assert await portal.ended(given)


async def test_a_bearer_that_is_no_longer_good_is_renewed(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        await portal.ended(await give(portal, member))
        member.bearers.clear()
        assert await portal.ended(await give(portal, member, seq=2))


async def test_heartbeats_are_numbered_on_after_a_restart(portal: SmallPortal, tmp_path: Path) -> None:
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        await portal.until(lambda: len(member.heartbeats) == 1)
    async with running(folder):
        await portal.until(lambda: len(member.heartbeats) == 2)
    first, second = member.heartbeats
    assert second["number"] > first["number"]
    assert first["version"] == VERSION
    assert first["capabilities"]["duties"] == ["connector"]


async def test_a_revoked_agent_does_nothing_until_it_is_taken_back(
    portal: SmallPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "REVOKED_RETRY_S", 0.3)
    folder, member = await enrolled(portal, tmp_path / "a")
    async with running(folder):
        await portal.ended(await give(portal, member))
        member.revoked = True
        given = await give(portal, member, seq=2)
        await asyncio.sleep(1)
        while_revoked = given.accepted
        member.revoked = False
        await portal.ended(given)
    assert not while_revoked


async def test_two_agents_do_not_work_in_one_state_folder(
    portal: SmallPortal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = await enrolled(portal, tmp_path / "a")
    with folder.held():
        assert await asyncio.to_thread(main, ["run", "--state", str(folder.path)]) == 1
    assert "another agent runs" in capsys.readouterr().err
