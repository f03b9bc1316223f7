"""The token that opens a browser's live stream."""

import base64
import json

import pytest

from portal.lib.live import TOKEN_LIFETIME_S, TOPICS_MAX, StreamGrant, TokenRefused, token_make, token_read

SECRET = "of this portal"  # noqa: S105
OTHER = "of another"
NOW = 1_700_000_000.0


def token(topics: list[str] | None = None, *, secret: str = SECRET) -> str:
    return token_make(secret=secret, person=7, tenant="acme", topics=topics or ["groups"], now=NOW)


def test_it_says_who_may_listen_to_what() -> None:
    granted = StreamGrant(7, "acme", ("groups",), int(NOW) + TOKEN_LIFETIME_S)

    assert token_read(token(), secret=SECRET, now=NOW) == granted


def test_it_holds_until_its_end_and_no_longer() -> None:
    assert token_read(token(), secret=SECRET, now=NOW + TOKEN_LIFETIME_S - 1)
    with pytest.raises(TokenRefused, match="expired"):
        token_read(token(), secret=SECRET, now=NOW + TOKEN_LIFETIME_S)


def test_another_portal_s_is_refused() -> None:
    with pytest.raises(TokenRefused, match="forged"):
        token_read(token(secret=OTHER), secret=SECRET, now=NOW)


@pytest.mark.parametrize("forged", ["", ".", "a", "a.b", "....", "é.é".encode().decode("latin-1")])
def test_what_is_no_token_is_refused(forged: str) -> None:
    with pytest.raises(TokenRefused):
        token_read(forged, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    ("field", "value"), [("t", "globex"), ("o", ["usage"]), ("e", 2_000_000_000), ("p", 8)]
)
def test_one_whose_words_were_changed_is_refused(field: str, value: object) -> None:
    encoded, _, mac = token().partition(".")
    content = json.loads(base64.urlsafe_b64decode(encoded)) | {field: value}
    changed = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    with pytest.raises(TokenRefused, match="forged"):
        token_read(f"{changed}.{mac}", secret=SECRET, now=NOW)


def test_nobody_listens_to_everything_at_once() -> None:
    many = [f"group:{number}" for number in range(TOPICS_MAX + 10)]

    assert len(token_read(token(many), secret=SECRET, now=NOW).topics) == TOPICS_MAX
