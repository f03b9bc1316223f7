"""What is read from the environment."""

import pytest

from portal.lib import env
from portal.lib.env import DatabaseAddress, database, database_parse


@pytest.mark.parametrize(
    ("url", "host", "port", "name"),
    [
        ("postgresql://db.example/landfall", "db.example", "", "landfall"),
        ("postgres://db.example:6432/other", "db.example", "6432", "other"),
        ("postgresql://db.example", "db.example", "", "landfall"),
        ("postgresql://[::1]:5433/x", "::1", "5433", "x"),
        ("postgresql:///x?host=/run/Pg&port=5433", "/run/Pg", "5433", "x"),
        ("postgresql://%2Frun%2FPg/x", "/run/Pg", "", "x"),
    ],
)
def test_a_url_says_where_the_database_is(url: str, host: str, port: str, name: str) -> None:
    found = database_parse(url)

    assert (found.host, found.port, found.name) == (host, port, name)


def test_what_is_escaped_in_a_url_is_itself() -> None:
    found = database_parse("postgresql://in%40staller:p%3A%2F%20@db/x")

    assert (found.user, found.password) == ("in@staller", "p:/ ")


def test_tls_is_taken_from_the_url() -> None:
    found = database_parse("postgresql://db/x?sslmode=verify-full&sslrootcert=/etc/ca.pem")

    assert (found.sslmode, found.sslrootcert) == ("verify-full", "/etc/ca.pem")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://db/x", "must begin with postgresql://"),
        ("db.example/x", "must begin with postgresql://"),
        ("postgresql://db/x?colour=blue", "cannot be read"),
        ("postgresql://[::1/x", "cannot be read"),
        ("postgresql://db/x?target_session_attrs=any", "may not say target_session_attrs"),
        ("postgresql://db/x?options=-crole%3Dpostgres", "may not say options"),
    ],
)
def test_a_url_that_cannot_be_followed_is_told(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        database_parse(url)


def test_what_another_role_is_told_holds_no_password_of_the_installer_s() -> None:
    told = database_parse("postgresql://installer:secret@db:6432/x?sslmode=require").variables()

    assert told == {
        "DATABASE_URL": "",
        "LANDFALL_DB_HOST": "db",
        "LANDFALL_DB_PORT": "6432",
        "LANDFALL_DB_NAME": "x",
        "PGSSLMODE": "require",
    }


def test_another_role_s_login_is_a_url_that_reads_the_same() -> None:
    address = database_parse("postgresql://installer:secret@[::1]:6432/x?sslmode=require&sslrootcert=/a%20b")

    again = database_parse(address.url(user="landfall_gateway", password="its-own"))  # noqa: S106

    assert again == DatabaseAddress(
        "::1", "6432", "x", "landfall_gateway", "its-own", sslmode="require", sslrootcert="/a b"
    )


def test_a_login_at_a_socket_needs_no_password() -> None:
    address = DatabaseAddress(host="/run/pg", port="", name="x")

    assert address.url(user="landfall_gateway") == "postgresql://landfall_gateway@/x?host=%2Frun%2Fpg"


def test_a_process_finds_its_database_by_what_the_supervisor_set(monkeypatch: pytest.MonkeyPatch) -> None:
    address = database_parse("postgresql://installer:secret@db:6432/x")
    for name, value in address.variables().items():
        monkeypatch.setenv(name, value)

    assert database() == DatabaseAddress("db", "6432", "x")


def test_a_url_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDFALL_DB_HOST", "elsewhere")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")

    assert database().host == "db"


@pytest.mark.parametrize(
    ("text", "found"), [("", []), ("a", ["a"]), (" a, b ,", ["a", "b"]), (",,", []), ("a b", ["a b"])]
)
def test_words_are_what_commas_separate(monkeypatch: pytest.MonkeyPatch, text: str, found: list[str]) -> None:
    monkeypatch.setenv("LANDFALL_HOSTS", text)

    assert env.words("LANDFALL_HOSTS") == found


def test_a_variable_that_is_not_there_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANDFALL_NOTHING", raising=False)

    assert (env.text("LANDFALL_NOTHING", "d"), env.words("LANDFALL_NOTHING")) == ("d", [])
