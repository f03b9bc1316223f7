"""Upgrades of an installed agent: real releases, the real program, a small portal; killed anywhere."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.domain.protocol import OpenLanding, Step, Upgrade
from agents.domain.release import ARCHIVE, SIGNATURE
from agents.hostagent.placing import linked
from tests.integration.hostagent.installing import HostHere, host_here, until
from tests.integration.hostagent.portal import Given, Member, SmallPortal
from tests.releases import Publisher, sources_changed

ENTRY = "agents/hostagent/__main__.py"
BEGIN = "async def _run(asked: argparse.Namespace) -> None:\n"
SHORT_S = "3"
"""A trial that is to fail; one that is to succeed may take a while on a busy machine."""
HERE = Publisher()
PASSED = ("started", "proved", "fetched", "unpacked", "placed", "previous", "trial", "switched", "done")


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases of one publisher: 0.2.0, 0.3.0, two that do not come up, and what is not to be taken."""
    folder = tmp_path_factory.mktemp("releases")
    for version in ("0.1.9", "0.2.0", "0.3.0"):
        HERE.publish(folder / version, version=version)
    for name, line in (("crashes", "    raise SystemExit(3)\n"), ("hangs", "    await asyncio.sleep(600)\n")):
        root = sources_changed(folder / f"{name}-sources", ENTRY, BEGIN, BEGIN + line)
        HERE.publish(folder / name, version="0.3.0", root=root)
    shutil.copytree(folder / "0.3.0", folder / "unsigned")
    (folder / "unsigned" / SIGNATURE).unlink()
    shutil.copytree(folder / "0.3.0", folder / "altered")
    with (folder / "altered" / ARCHIVE).open("r+b") as file:
        file.seek(5000)
        file.write(b"#")
    Publisher().publish(folder / "another's", version="0.3.0")
    return folder


@pytest.fixture
def here(tmp_path: Path, releases: Path) -> Iterator[HostHere]:
    environment = {"LANDFALL_DIE_ONCE": str(tmp_path / "died")}
    with host_here(tmp_path, releases / "0.2.0", environment) as host:
        yield host


async def asked(
    portal: SmallPortal, member: Member, release: Path, version: str = "0.3.0", *, seq: int = 1
) -> Given:
    """Serve a release and ask the agent for it."""
    portal.release = release
    return await portal.give(member.id, Step.UPGRADE, Upgrade(version=version), unit=UUID(int=7), seq=seq)


async def upgraded(here: HostHere, portal: SmallPortal, release: Path) -> tuple[Member, dict[str, Any]]:
    """Install 0.2.0, ask for another; the agent, and how it ended."""
    member = await here.installed(portal)
    return member, await portal.ended(await asked(portal, member, release))


def current(here: HostHere) -> str:
    """The version that runs from the next start on."""
    return linked(here.prefix / "current").removeprefix("releases/").partition("-")[0]


async def heard(member: Member, version: str) -> None:
    """Wait until the agent tells that it runs this version."""
    await until(lambda: member.heartbeats[-1]["version"] == version)


async def test_it_takes_a_newer_release_and_says_so(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    member, end = await upgraded(here, portal, releases / "0.3.0")
    assert (end["kind"], end["body"]) == ("succeeded", {"version": "0.3.0"})
    assert member.heartbeats[-1]["version"] == "0.3.0"
    assert current(here) == "0.3.0"
    assert linked(here.prefix / "previous").startswith("releases/0.2.0-")
    assert not (here.prefix / "trial").exists()
    assert len(here.agents) == 1


REFUSED = {
    "unsigned": ("0.3.0", "REL-01"),
    "another's": ("0.3.0", "REL-02"),
    "altered": ("0.3.0", "REL-03"),
    "0.1.9": ("0.1.9", "REL-04"),
    "nowhere": ("0.3.0", "REL-07"),
    "0.3.0": ("0.4.0", "REL-07"),
}


async def test_what_is_not_to_be_trusted_is_not_taken(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    member = await here.installed(portal)
    [agent] = here.agents
    ends = {
        release: await portal.ended(await asked(portal, member, releases / release, version, seq=number))
        for number, (release, (version, _)) in enumerate(REFUSED.items(), start=1)
    }
    assert {name: end["body"]["code"] for name, end in ends.items()} == {
        name: code for name, (_, code) in REFUSED.items()
    }
    assert all(end["body"]["remedy"] for end in ends.values())
    assert current(here) == "0.2.0"
    assert {path.name for path in (here.prefix / "releases").iterdir()} == {
        linked(here.prefix / "current").rpartition("/")[2]
    }
    assert here.agents == [agent]


async def test_one_that_ends_is_taken_back_and_the_portal_is_told(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    member, end = await upgraded(here, portal, releases / "crashes")
    assert end["body"]["code"] == "REL-06"
    assert "ended by itself" in end["body"]["why"]
    assert current(here) == "0.2.0"
    assert len(here.agents) == 1
    again = await portal.ended(await asked(portal, member, releases / "0.3.0", seq=2))
    assert again["kind"] == "succeeded"
    await heard(member, "0.3.0")


async def test_one_that_does_not_reach_the_portal_in_time_is_taken_back(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    here.environment["LANDFALL_TRIAL_S"] = SHORT_S
    _, end = await upgraded(here, portal, releases / "hangs")
    assert end["body"]["code"] == "REL-06"
    assert f"did not reach the portal within {SHORT_S} s" in end["body"]["why"]
    assert current(here) == "0.2.0"
    assert len(here.agents) == 1


@pytest.mark.parametrize("point", PASSED)
async def test_killed_between_two_steps_it_ends_with_the_new_release(
    here: HostHere, portal: SmallPortal, releases: Path, point: str
) -> None:
    here.environment["LANDFALL_DIE_AT"] = f"upgrade.{point}"
    (here.folder / "died").touch()  # the installer passes the same points
    member = await here.installed(portal)
    (here.folder / "died").unlink()
    before = len(member.heartbeats)
    end = await portal.ended(await asked(portal, member, releases / "0.3.0"))
    assert (here.folder / "died").exists()
    assert end["kind"] == "succeeded"
    await heard(member, "0.3.0")
    assert current(here) == "0.3.0"
    assert len(member.heartbeats) > before
    await until(lambda: len(here.agents) == 1)


async def test_killed_before_it_could_prove_itself_it_is_taken_back(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    here.environment["LANDFALL_DIE_AT"] = "upgrade.reached"
    (here.folder / "died").touch()  # not in the release that is there at first
    given = await asked(portal, await here.installed(portal), releases / "0.3.0")
    await portal.until(lambda: given.accepted)
    (here.folder / "died").unlink()
    end = await portal.ended(given)
    assert (here.folder / "died").exists()
    assert end["body"]["code"] == "REL-06"
    await heard(portal.members[given.agent], "0.2.0")
    assert current(here) == "0.2.0"


async def test_it_waits_until_no_step_runs(here: HostHere, portal: SmallPortal, releases: Path) -> None:
    member = await here.installed(portal)
    body = OpenLanding(machine="vm-404", disks=(), source_fingerprint="")
    working = await portal.give(member.id, Step.OPEN_LANDING, body, unit=UUID(int=8), within_s=8)
    given = await asked(portal, member, releases / "0.3.0")
    await portal.until(lambda: given.progress())
    assert given.progress() == [{"waits": True, "version": "0.3.0"}]
    assert working.end is None
    assert current(here) == "0.2.0"
    await portal.ended(working)
    assert (await portal.ended(given))["kind"] == "succeeded"


async def test_the_launcher_killed_during_the_trial_takes_its_agent_along(
    here: HostHere, portal: SmallPortal, releases: Path
) -> None:
    here.environment["LANDFALL_TRIAL_S"] = SHORT_S
    member = await here.installed(portal)
    given = await asked(portal, member, releases / "hangs")
    await until((here.prefix / "trial").exists)
    await until(lambda: launchers(here) != [] and len(here.agents) == 1)
    os.kill(launchers(here)[0], signal.SIGKILL)
    end = await portal.ended(given)
    assert end["body"]["code"] == "REL-06"
    assert current(here) == "0.2.0"
    assert len(here.agents) == 1


def launchers(here: HostHere) -> list[int]:
    """The processes of `launch` that watch a trial."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if len(words) > 1 and words[1] == str(here.prefix / "launch").encode():
            found.append(int(folder.name))
    return found
