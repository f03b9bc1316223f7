"""Whoever is shown a code can look it up, at the address that the problem document itself names."""

import pytest
from django.test import Client

from portal.pages.codes import codes_told
from tests.cast import Cast
from tests.functional.pages import signed_in, text

pytestmark = pytest.mark.django_db


def test_a_code_says_what_it_means_and_what_to_do() -> None:
    answer = Client().get("/e/ENR-02")

    assert "The key has let an agent in already" in text(answer)
    assert "Make a new one for each host." in text(answer)


def test_what_needs_nothing_says_so() -> None:
    assert "Nothing needs to be done." in text(Client().get("/e/rollback_refused"))


def test_a_code_that_does_not_exist_is_not_there() -> None:
    assert Client().get("/e/ABC-99").status_code == 404


def test_a_refusal_s_type_leads_to_its_code(cast: Cast) -> None:
    refused = signed_in("alice").post("/api/v1/sites/", {"name": ""}, content_type="application/json").json()

    assert Client().get(refused["type"]).status_code == 200
    assert refused["code"] in text(Client().get(refused["type"]))


@pytest.mark.parametrize("code", sorted(codes_told()))
def test_no_page_of_a_code_shows_markup(code: str) -> None:
    told = codes_told()[code]

    assert "`" not in told["what"] + told["remedy"]
