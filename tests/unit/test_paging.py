"""A page begins after a row: cursors are read from addresses, so anybody may have written one."""

import base64
import json
from uuid import UUID, uuid4

import pytest

from portal.lib.paging import _read


def cursor_of(*content: object) -> str:
    """Return a cursor as an address has it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def test_a_cursor_of_ours_is_read_back() -> None:
    row = uuid4()

    assert _read(cursor_of(1, "vm-1", str(row))) == (True, ["vm-1", row])


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "300",
        "not base64 at all",
        "AAAA",
        cursor_of(),
        cursor_of(0, "vm-1"),
        cursor_of(0, "vm-1", "no id"),
        cursor_of(0, "vm-1", 7),
        cursor_of(0, "vm-1", str(UUID(int=1)), "more"),
        base64.urlsafe_b64encode(b'{"a": 1, "b": 2, "c": 3}').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_none_begins_at_the_first_page(forged: str) -> None:
    assert _read(forged) == (False, [])
