"""What cannot be answered: a person gets a page, a program a problem document."""

from typing import Any

import pytest
from django.test import Client

from tests.functional.pages import text

pytestmark = pytest.mark.django_db
NOWHERE = "elsewhere.example"
LARGE = b"login=" + b"x" * 3_000_000
FIELDS = b"&".join(b"field%d=" % at for at in range(1001))


def broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("nobody expected this")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of a portal whose enrolment and home are broken."""
    monkeypatch.setattr("agents.api.enrol.Enrol.post", broken)
    monkeypatch.setattr("portal.pages.home.Home.get", broken)
    return Client(raise_request_exception=False)


def told(answer: Any) -> tuple[int, int, str]:
    """Return the answer's status, and what its problem document says of status and code."""
    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert set(said) == {"type", "title", "status", "code", "detail"}
    assert Client().get(said["type"]).status_code == 200
    return answer.status_code, said["status"], said["code"]


@pytest.mark.parametrize("path", ["/api/v1/nope", "/api/v1/sites/xyz/", "/agent/v1/nope"])
def test_a_program_is_told_in_its_own_way_that_nothing_is_there(path: str) -> None:
    assert told(Client().get(path)) == (404, 404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/me/", "/agent/v1/enrol"])
def test_a_program_is_told_in_its_own_way_that_it_asked_another(path: str) -> None:
    assert told(Client().get(path, headers={"host": NOWHERE})) == (400, 400, "bad_request")


def test_a_program_is_told_in_its_own_way_that_we_failed(failing: Client) -> None:
    assert told(failing.post("/agent/v1/enrol")) == (500, 500, "server_error")


def test_a_person_is_told_by_a_page_that_we_failed(failing: Client) -> None:
    answer = failing.get("/")

    assert (answer.status_code, "Something failed on our side" in text(answer)) == (500, True)


def test_a_person_is_told_by_a_page_that_nothing_is_there() -> None:
    answer = Client().get("/nope")

    assert (answer.status_code, "There is nothing here" in text(answer)) == (404, True)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": LARGE},
        {"data": FIELDS},
        {"data": b"x", "content_type": "multipart/form-data"},
        {"headers": {"host": NOWHERE}},
    ],
    ids=["too large", "too many fields", "no boundary", "another host"],
)
def test_a_person_is_told_by_a_page_what_could_not_be_read(sent: dict[str, Any]) -> None:
    form = {"content_type": "application/x-www-form-urlencoded", **sent}
    answer = Client().post("/accounts/login/", **form)

    assert (answer.status_code, "This could not be read" in text(answer)) == (400, True)
