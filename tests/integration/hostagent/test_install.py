"""The one command that a person pastes on a host, and its opposite: the real script, a small portal."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.domain.release import ARCHIVE, INSTALLER, KEY, MANIFEST, SIGNATURE
from agents.hostagent.placing import linked
from tests.integration.hostagent.installing import HostHere, host_here, until
from tests.integration.hostagent.portal import SmallPortal
from tests.releases import PYTHON, Publisher, fingerprint_in


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    Publisher().publish(folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, package: Path) -> Iterator[HostHere]:
    with host_here(tmp_path, package) as host:
        yield host


async def test_one_command_installs_enrols_and_runs_it(here: HostHere, portal: SmallPortal) -> None:
    member = await here.installed(portal)
    assert member.heartbeats[0]["capabilities"]["engines"] == ["qemu-storage-daemon", "qemu"]
    assert portal.tokens == set()
    assert len(here.agents) == 1
    assert (here.state / "signing.pem").stat().st_mode & 0o077 == 0
    site = here.prefix / "current" / "venv" / "lib" / f"python{PYTHON}" / "site-packages"
    assert {"nbd.py", "cryptography", "httpx", "msgspec"} <= {path.name for path in site.iterdir()}
    assert not (site / "qemu" / "qmp" / "legacy.py").exists()
    assert member.heartbeats[0]["version"] == "0.2.0"


async def test_installing_again_replaces_the_agent_and_needs_no_token(
    here: HostHere, portal: SmallPortal
) -> None:
    await here.installed(portal)
    [first] = here.agents
    again = await here.install("--portal", portal.url)
    assert again.returncode == 0, again.stderr
    await until(lambda: len(here.agents) == 1 and here.agents != [first])
    assert len(portal.members) == 1


async def test_an_agent_that_is_killed_is_started_again(here: HostHere, portal: SmallPortal) -> None:
    member = await here.installed(portal)
    [first] = here.agents
    os.kill(first, signal.SIGKILL)
    beats = len(member.heartbeats)
    await until(lambda: len(member.heartbeats) > beats and here.agents not in ([], [first]))
    assert len(here.agents) == 1


async def test_uninstalling_ends_it_and_leaves_nothing(here: HostHere, portal: SmallPortal) -> None:
    await here.installed(portal)
    done = await here.install("--uninstall")
    assert done.returncode == 0, done.stderr
    assert "revoke it in the portal" in done.stdout
    assert here.agents == []
    assert not here.prefix.exists()
    assert not here.state.exists()


async def test_it_is_not_removed_under_a_migration(here: HostHere, portal: SmallPortal) -> None:
    await here.installed(portal)
    (here.state / "machines" / "vm-42").mkdir(parents=True)
    done = await here.install("--uninstall")
    assert done.returncode == 1
    assert "vm-42" in done.stderr
    assert len(here.agents) == 1
    assert (here.prefix / "current" / "code").is_dir()


async def test_uninstalling_what_is_not_there_removes_nothing(here: HostHere) -> None:
    here.state.mkdir()
    done = await here.install("--uninstall")
    assert done.returncode == 1
    assert "nothing is installed" in done.stderr
    assert here.state.exists()


def byte_changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def signed_by_another(folder: Path) -> None:
    Publisher().publish(folder, wheels={PYTHON: []})


WRONG: list[tuple[str, Callable[[Path], None]]] = [
    ("REL-01", lambda folder: (folder / SIGNATURE).unlink()),
    ("REL-01", lambda folder: byte_changed(folder / MANIFEST)),
    ("REL-01", lambda folder: byte_changed(folder / SIGNATURE)),
    ("REL-02", signed_by_another),
    ("REL-03", lambda folder: byte_changed(folder / ARCHIVE)),
    ("REL-07", lambda folder: (folder / ARCHIVE).unlink()),
    ("REL-07", lambda folder: (folder / KEY).unlink()),
]


@pytest.mark.parametrize(("code", "spoil"), WRONG)
async def test_what_the_release_key_did_not_sign_is_refused(
    here: HostHere, portal: SmallPortal, tmp_path: Path, code: str, spoil: Callable[[Path], None]
) -> None:
    other = shutil.copytree(here.package, tmp_path / "other")
    spoil(other)
    done = await here.install("--portal", portal.url, "--token", portal.token(), "--package", str(other))
    assert done.returncode == 1
    assert code in done.stderr
    assert not here.prefix.exists()
    assert len(portal.tokens) == 1


async def test_without_the_key_s_fingerprint_nothing_is_installed(
    here: HostHere, portal: SmallPortal
) -> None:
    done = await here.install("--portal", portal.url, "--token", portal.token(), release_key="")
    assert "--release-key is missing" in done.stderr
    assert not here.prefix.exists()


async def test_a_release_for_other_pythons_is_told(
    here: HostHere, portal: SmallPortal, tmp_path: Path
) -> None:
    Publisher().publish(tmp_path / "other", wheels={"3.9": []})
    key = fingerprint_in(tmp_path / "other")
    options = ("--portal", portal.url, "--token", portal.token(), "--package", str(tmp_path / "other"))
    done = await here.install(*options, release_key=key)
    assert f"REL-05: release 0.2.0 is for Python 3.9; this is {PYTHON}" in done.stderr
    assert not (here.prefix / "current").exists()


async def test_an_older_release_is_refused_unless_a_person_insists(
    here: HostHere, portal: SmallPortal, tmp_path: Path
) -> None:
    publisher = Publisher()
    for version in ("0.2.0", "0.10.0"):
        publisher.publish(tmp_path / version, version=version)
    options = ("--portal", portal.url, "--token", portal.token(), "--no-start")
    key = fingerprint_in(tmp_path / "0.2.0")
    older = (*options, "--package", str(tmp_path / "0.2.0"))
    await here.install(*options, "--package", str(tmp_path / "0.10.0"), release_key=key)
    refused = await here.install(*older, release_key=key)
    kept = linked(here.prefix / "current")
    forced = await here.install(*older, "--allow-downgrade", release_key=key)
    assert "REL-04: release 0.2.0 is older than 0.10.0" in refused.stderr
    assert kept.startswith("releases/0.10.0-")
    assert forced.returncode == 0, forced.stderr
    assert linked(here.prefix / "current").startswith("releases/0.2.0-")


async def test_the_key_of_the_first_install_counts_until_a_person_replaces_it(
    here: HostHere, portal: SmallPortal, tmp_path: Path
) -> None:
    Publisher().publish(tmp_path / "other", version="0.3.0")
    options = ("--portal", portal.url, "--token", portal.token(), "--no-start")
    await here.install(*options)
    key = fingerprint_in(tmp_path / "other")
    other = ("--package", str(tmp_path / "other"))
    unasked = await here.install(*options, *other, release_key="")
    asked = await here.install(*options, *other, release_key=key)
    replaced = await here.install(*options, *other, "--replace-key", release_key=key)
    assert "REL-02" in unasked.stderr
    assert "REL-02" in asked.stderr
    assert replaced.returncode == 0, replaced.stderr
    assert linked(here.prefix / "current").startswith("releases/0.3.0-")


async def test_a_release_comes_from_the_portal_itself(here: HostHere, portal: SmallPortal) -> None:
    portal.release = here.package
    options = ("--portal", portal.url, "--token", portal.token(), "--no-start")
    done = await here.install(*options, "--package", f"{portal.url}/agent/release")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("point", ["unpacked", "placed", "previous", "trial", "switched"])
async def test_an_installer_that_is_killed_leaves_an_agent_and_may_run_again(
    here: HostHere, portal: SmallPortal, tmp_path: Path, point: str
) -> None:
    publisher = Publisher()
    for version in ("0.2.0", "0.3.0"):
        publisher.publish(tmp_path / version, version=version)
    key = fingerprint_in(tmp_path / "0.2.0")
    newer = ("--portal", portal.url, "--package", str(tmp_path / "0.3.0"))
    first = HostHere(here.folder, tmp_path / "0.2.0")
    member = await first.installed(portal)
    here.environment["LANDFALL_DIE_AT"] = f"upgrade.{point}"
    killed = await here.install(*newer, release_key=key)
    os.kill(first.agents[0], signal.SIGKILL)
    del here.environment["LANDFALL_DIE_AT"]
    again = await here.install(*newer, release_key=key)
    assert killed.returncode == 1
    assert again.returncode == 0, again.stderr
    await until(lambda: member.heartbeats[-1]["version"] == "0.3.0")
    await until(lambda: not (here.prefix / "trial").exists() and len(here.agents) == 1)


async def test_it_goes_through_a_proxy(here: HostHere, portal: SmallPortal) -> None:
    proxy = ("--proxy", portal.url)  # that takes what is sent to a proxy, too
    options = ("--token", portal.token(), "--machines", str(here.folder), "--listen", "127.0.0.1:0")
    done = await here.install("--portal", "http://127.0.0.1:1", *options, *proxy)
    assert done.returncode == 0, done.stderr
    [member] = portal.members.values()
    await until(lambda: bool(member.heartbeats))


async def test_half_a_script_does_nothing(here: HostHere, portal: SmallPortal) -> None:
    whole = (here.package / INSTALLER).read_text()
    (here.folder / "half.sh").write_text(whole[: whole.rindex("main")])
    done = await here.install("--portal", portal.url, "--token", portal.token(), script="half.sh")
    assert done.returncode == 0
    assert not here.prefix.exists()
    assert len(portal.tokens) == 1


async def test_a_spent_token_is_told_and_nothing_runs(here: HostHere, portal: SmallPortal) -> None:
    done = await here.install("--portal", portal.url, "--token", "spent")
    assert done.returncode == 1
    assert "ENR-02" in done.stderr
    assert here.agents == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "--portal URL is missing"),
        (["--portal", "https://portal.example"], "--token is missing"),
        (["--portal"], "--portal needs a value"),
        (["--nonsense", "1"], "unknown option --nonsense"),
    ],
)
async def test_what_is_missing_is_told(here: HostHere, options: list[str], why: str) -> None:
    done = await here.install(*options)
    assert done.returncode == 1
    assert why in done.stderr
