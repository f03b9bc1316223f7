"""What no database can hold, and no parser take: refused in words, before any page or call runs."""

import pytest
from django.test import Client

from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.staff import staff_create

PAGES = ("machines/", "machines/csv", "groups/", "groups/?view=list", "groups/new")
STAFF = ("/provider/tenants/", "/provider/prices/", "/provider/groups/")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["q=%00", "add=%00", "q=site:%00", "%00=1"])
def test_a_nul_in_a_tenant_s_address_is_told_as_a_page(cast: Cast, page: str, query: str) -> None:
    joined = f"{page}&{query}" if "?" in page else f"{page}?{query}"

    answer = signed_in("alice").get(f"/t/{cast.acme.tenant.id}/{joined}")

    assert answer.status_code == 400
    assert "This could not be read" in text(answer)


@pytest.mark.parametrize("page", STAFF)
def test_a_nul_in_the_provider_s_address_is_told_as_a_page(cast: Cast, page: str) -> None:
    staff_create()

    assert signed_in("petra").get(f"{page}?q=%00").status_code == 400


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart"])
@pytest.mark.parametrize("typed", [{"name": "a\0b"}, {"network-\0": "net-9"}])
def test_a_nul_in_a_form_is_told_as_a_page(cast: Cast, kind: str, typed: dict[str, str]) -> None:
    alice, page = signed_in("alice"), f"/t/{cast.acme.tenant.id}/sites/"
    form = alice.post(page, typed) if kind == "multipart" else alice.post(page, _urlencoded(typed), kind)

    assert form.status_code == 400


def _urlencoded(typed: dict[str, str]) -> str:
    return "&".join(f"{key}={value}" for key, value in typed.items()).replace("\0", "%00")


def test_a_nul_in_a_call_s_address_is_a_problem(cast: Cast) -> None:
    answer = signed_in("alice").get("/api/v1/machines/?q=%00")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", ['{"token":' + "[" * 2000, '{"token": "\\u0000"}', '{"token": "\\ud800"}'])
def test_enrolment_refuses_what_cannot_be_parsed_or_stored(db: None, client: Client, body: str) -> None:
    answer = client.post("/agent/v1/enrol", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


@pytest.mark.parametrize("body", ["[" * 100_000, '{"name": "a\\u0000"}', '{"name": "a\\ud800"}'])
def test_a_call_refuses_what_cannot_be_parsed_or_stored(cast: Cast, body: str) -> None:
    answer = signed_in("alice").post("/api/v1/sites/", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_session_cookie_with_a_nul_is_no_session(db: None, client: Client) -> None:
    answer = client.get("/", headers={"cookie": 'landfall_session="\\000aaaaaaaa"'})

    assert answer.status_code == 302
