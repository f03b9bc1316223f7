"""Where a person is signed in, and ending it."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tenants.interfaces.sessions import SWEPT_MAX, device_named, sessions_sweep
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.passwords import PASSWORD, password_give, signed_in_by_password
from tests.sessions import committed

pytestmark = committed
SECURITY = "/accounts/security/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def uncounted() -> None:
    """Nobody has been seen yet."""
    cache.clear()


@pytest.fixture
def two(cast: Cast) -> tuple[Client, Client]:
    """Alice at two devices, of which the second is a Firefox."""
    password_give("alice")
    here, there = signed_in_by_password("alice"), signed_in_by_password("alice")
    here.get(SECURITY)
    there.get(SECURITY, headers={"User-Agent": FIREFOX}, REMOTE_ADDR="192.0.2.7")
    return here, there


def alive(client: Client) -> bool:
    """Return whether the client is signed in."""
    return client.get(SECURITY).status_code == 200


def test_each_is_told_with_device_and_address(two: tuple[Client, Client]) -> None:
    said = text(two[0].get(SECURITY))

    assert "this one" in said
    assert "Firefox on Linux 192.0.2.7" in said


def test_one_is_ended(two: tuple[Client, Client]) -> None:
    here, there = two
    other = next(one for one in here.get(SECURITY).context["sessions"] if not one.here)

    here.post(f"{SECURITY}sessions/{other.handle}/end")

    assert (alive(here), alive(there)) == (True, False)
    assert len(here.get(SECURITY).context["sessions"]) == 1


def test_all_others_are_ended(two: tuple[Client, Client]) -> None:
    here, there = two

    answer = there.post(f"{SECURITY}sessions/end-others", follow=True)

    assert "1 other session ended." in text(answer)
    assert (alive(here), alive(there)) == (False, True)


def test_nobody_ends_another_s(two: tuple[Client, Client]) -> None:
    handle = two[0].get(SECURITY).context["sessions"][0].handle

    signed_in("charlie").post(f"{SECURITY}sessions/{handle}/end")
    signed_in("charlie").post(f"{SECURITY}sessions/end-others")

    assert (alive(two[0]), alive(two[1])) == (True, True)


def test_a_changed_password_ends_the_others_and_their_rows(two: tuple[Client, Client]) -> None:
    here, there = two
    new = "another secret, as long"

    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert (alive(here), alive(there)) == (True, False)
    assert len(here.get(SECURITY).context["sessions"]) == 1


def test_that_a_session_is_seen_is_written_once_in_a_while(cast: Cast) -> None:
    alice = signed_in("alice")
    alice.get(SECURITY)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))

    alice.get(SECURITY)
    rested = UserSession.objects.get().last_seen_at
    cache.clear()
    alice.get(SECURITY)

    assert UserSession.objects.get().last_seen_at > rested + timedelta(minutes=59)


def test_the_handle_of_a_session_opens_nothing(two: tuple[Client, Client]) -> None:
    keys = list(UserSession.objects.values_list("session_key", flat=True))

    said = two[0].get(SECURITY).content.decode()

    assert not [key for key in keys if key in said]


def test_sessions_whose_time_is_over_are_swept(cast: Cast) -> None:
    over = timezone.now() - timedelta(days=1)
    Session.objects.bulk_create(
        Session(session_key=f"old-{at}", session_data="", expire_date=over) for at in range(SWEPT_MAX + 1)
    )

    sessions_sweep(timezone.now())

    assert Session.objects.filter(session_key__startswith="old-").count() == 1


@pytest.mark.parametrize(
    ("agent", "word"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 20 like Mac OS X) Version/20 Safari/604", "Safari on iOS"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537 Chrome/156.0 Safari/537", "Chrome on Android"),
        ("curl/8.9", "curl/8.9"),
        ("", "Unknown"),
    ],
)
def test_a_device_is_called_what_people_call_it(agent: str, word: str) -> None:
    assert device_named(agent) == word
