"""The e-mail address that a person signs in with: the one that they were taken on with."""

import pytest

from tenants.models import Person
from tests.cast import Cast
from tests.functional.pages import signed_in
from tests.sessions import committed

pytestmark = committed


@pytest.mark.parametrize("address", ["charlie@example.test", "nobody@example.test"])
def test_nobody_takes_another_address_or_learns_whose_it_is(cast: Cast, address: str) -> None:
    alice = signed_in("alice")

    added = alice.post("/accounts/email/", {"action_add": "", "email": address})
    chosen = alice.post("/accounts/email/", {"action_primary": "", "email": address})

    assert (added.status_code, chosen.status_code) == (200, 302)
    assert Person.objects.filter(email="alice@example.test").exists()
