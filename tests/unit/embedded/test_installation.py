"""What an installation comes to: addresses, ports, secrets, and which process may know what."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import installation as module
from portal.embedded.installation import Installation, Unfit, Wishes, port_choose
from portal.embedded.secrets import NAMES, secrets_read
from portal.lib.keys import AUTHORITY_CERTIFICATE
from portal.lib.roles import GATEWAY, LOGINS, MIGRATE, WEB, WORKER

DATABASE = "postgresql://installer:of-the-installer@db.example:6432/landfall?sslmode=require"
REDIS = "rediss://:r@redis.example:6380/0"
EVERYBODY = (*LOGINS, MIGRATE)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("REDIS_URL", REDIS)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def made(folder: Path, **wishes: object) -> Installation:
    return Installation(Wishes(state=folder / "s", **{"port": 0, "gateway_port": 0, **wishes}))  # type: ignore[arg-type]


def test_its_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(made(tmp_path).state.stat().st_mode) == 0o700


def test_a_port_is_chosen_once(tmp_path: Path) -> None:
    own = made(tmp_path)

    assert (own.port, own.gateway_port) == (own.port, own.gateway_port)
    assert own.port != own.gateway_port


def test_without_a_public_address_it_is_on_loopback(tmp_path: Path) -> None:
    own = made(tmp_path)

    assert own.url == f"http://127.0.0.1:{own.port}"
    assert own.gateway_url == f"http://127.0.0.1:{own.gateway_port}"


@pytest.mark.parametrize(
    ("gateway", "found"), [("", "https://portal.example"), ("https://gw.example", "https://gw.example")]
)
def test_behind_a_proxy_one_name_serves_both_unless_told(tmp_path: Path, gateway: str, found: str) -> None:
    own = made(tmp_path, public_url="https://portal.example", gateway_url=gateway)

    assert (own.url, own.gateway_url) == ("https://portal.example", found)


def test_a_taken_port_is_told_with_its_option(taken: int) -> None:
    with pytest.raises(Unfit, match=rf"port {taken} of 127\.0\.0\.1 is not to be had .*--gateway-port"):
        port_choose(taken, option="--gateway-port")


def test_an_address_that_is_not_ours_is_told() -> None:
    with pytest.raises(Unfit, match=r"192\.0\.2\.1"):
        port_choose(0, option="--port", bind="192.0.2.1")


@pytest.mark.parametrize("role", EVERYBODY)
def test_on_the_embedded_servers_nobody_needs_a_password(tmp_path: Path, role: str) -> None:
    own = made(tmp_path)
    environment = own.environment(role)

    assert environment[f"{role.upper()}_PASSWORD"] == ""
    assert environment["LANDFALL_DB_HOST"] == str(own.sockets / "pg")
    assert environment["REDIS_URL"].startswith("unix://")


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("role", EVERYBODY)
def test_each_role_knows_its_own_password_and_no_other(tmp_path: Path, role: str) -> None:
    own = made(tmp_path)
    told = json.dumps(own.environment(role))

    assert [one for one in EVERYBODY if own.passwords[one] in told] == [role]
    assert "of-the-installer" not in told


@pytest.mark.usefixtures("real")
def test_real_servers_are_what_everybody_is_told_of(tmp_path: Path) -> None:
    environment = made(tmp_path).environment(WORKER)

    assert environment["REDIS_URL"] == REDIS
    assert (environment["LANDFALL_DB_HOST"], environment["LANDFALL_DB_PORT"]) == ("db.example", "6432")
    assert (environment["PGSSLMODE"], environment["DATABASE_URL"]) == ("require", "")


def test_only_the_gateway_gets_its_login_as_one_text(tmp_path: Path) -> None:
    own = made(tmp_path)

    assert [role for role in EVERYBODY if "LANDFALL_GATEWAY_DSN" in own.environment(role)] == [GATEWAY]


def test_migrating_is_not_a_role_that_django_runs_as(tmp_path: Path) -> None:
    own = made(tmp_path)

    assert [own.environment(role)["LANDFALL_ROLE"] for role in (WEB, WORKER, MIGRATE)] == [WEB, WORKER, WEB]


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://x/y?colour=blue"])
def test_an_address_that_cannot_be_followed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(Unfit, match="DATABASE_URL"):
        made(tmp_path)


def test_a_part_needs_real_servers(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="set DATABASE_URL and REDIS_URL"):
        made(tmp_path, only=("web",))


@pytest.mark.usefixtures("real")
def test_a_part_needs_the_first_machine_s_secrets_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=r"secrets\.json is missing: bring"):
        made(tmp_path, only=("web",))

    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.usefixtures("real")
def test_a_part_needs_the_first_machine_s_keys(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "s" / "keys" / AUTHORITY_CERTIFICATE).unlink()

    with pytest.raises(Unfit, match=r"keys/authority\.crt is missing"):
        made(tmp_path, only=("web",))


@pytest.mark.usefixtures("real")
def test_a_part_with_both_is_the_same_portal(tmp_path: Path) -> None:
    whole = made(tmp_path)

    assert made(tmp_path, only=("web",)).passwords == whole.passwords


def test_a_deep_folder_gets_a_short_one_for_its_sockets_which_stays_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()

    first, again = made(deep), made(deep)
    first.sockets.rmdir()

    assert first.sockets == again.sockets
    assert len(str(first.sockets)) < module.SOCKET_FOLDER_MAX


def test_a_short_folder_that_belongs_to_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    made(deep).sockets.rmdir()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)

    with pytest.raises(Unfit, match="belongs to somebody else"):
        made(deep)
    monkeypatch.undo()


def test_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    first = secrets_read(tmp_path / "secrets.json")

    assert secrets_read(tmp_path / "secrets.json") == first
    assert set(first) == set(NAMES)
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_no_two_secrets_are_alike(tmp_path: Path) -> None:
    values = list(secrets_read(tmp_path / "secrets.json").values())

    assert len(set(values)) == len(NAMES)
    assert min(map(len, values)) >= 64


def test_a_secret_that_was_taken_out_is_made_anew_and_the_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = secrets_read(path)
    path.write_text(json.dumps({name: value for name, value in first.items() if name != NAMES[0]}))

    again = secrets_read(path)

    assert again[NAMES[0]] != first[NAMES[0]]
    assert {name for name in NAMES if again[name] == first[name]} == set(NAMES[1:])


def test_secrets_that_were_half_written_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "secrets.new").write_text('{"LANDFALL_SEC')

    assert set(secrets_read(tmp_path / "secrets.json")) == set(NAMES)
