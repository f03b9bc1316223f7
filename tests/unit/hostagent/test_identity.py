"""Keys, settings and the state folder."""

import stat
from pathlib import Path
from uuid import UUID

import pytest

from agents.hostagent.identity import (
    AlreadyRunning,
    NotEnrolled,
    PlainHttpRefused,
    Settings,
    StateFolder,
    private_write,
    url_checked,
)
from agents.hostagent.portal import proxy_of

SETTINGS = Settings(
    agent_id=UUID(int=1),
    site_id=UUID(int=2),
    portal="https://portal.example",
    gateway="https://portal.example",
    portal_key="",
    host_name="esx-1",
    duties=("host",),
    machines="/machines",
)


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    first = folder.keys()
    again = folder.keys()
    assert first.signing.private_bytes_raw() == again.signing.private_bytes_raw()
    assert first.sealing.private_bytes_raw() == again.sealing.private_bytes_raw()


def test_keys_are_for_the_agent_alone(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "state")
    folder.keys()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert modes == {"signing.pem": 0o600, "sealing.pem": 0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_an_enrolment_is_found_again(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    folder.enrolment_save(SETTINGS, certificate="mine", authority="theirs")
    assert folder.settings() == SETTINGS
    assert folder.authority == "theirs"
    assert folder.enrolled()


def test_without_an_enrolment_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotEnrolled, match="run `enrol` first"):
        StateFolder(tmp_path).settings()


def test_one_process_works_in_a_state_folder(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with folder.held(), pytest.raises(AlreadyRunning), folder.held():
        pytest.fail("two agents in one folder")


def test_the_next_process_may_work_there(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with folder.held():
        pass
    with folder.held():
        assert True


@pytest.mark.parametrize("url", ["http://portal.example", "ftp://portal.example", "portal.example", ""])
def test_plain_http_is_refused(url: str) -> None:
    with pytest.raises(PlainHttpRefused):
        url_checked(url)


@pytest.mark.parametrize(
    "url", ["https://portal.example/", "http://127.0.0.1:8000/", "http://localhost:8000", "http://[::1]:80"]
)
def test_https_and_loopback_are_taken(url: str) -> None:
    assert url_checked(url) == url.rstrip("/")


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    private_write(path, b"old")
    private_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("portal", "proxy"),
    [
        ("https://portal.example", "http://proxy.example:3128"),
        ("https://inside.example", ""),
        ("http://127.0.0.1:8000", ""),
    ],
)
def test_the_proxy_on_the_way_is_the_environment_s(
    monkeypatch: pytest.MonkeyPatch, portal: str, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_of(portal) == proxy
