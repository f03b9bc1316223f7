"""A page begins after a row: cursors are read from addresses, so anybody may have written one."""

import base64
import json
from uuid import UUID, uuid4

import pytest
from django.db.models import CharField, DateTimeField, Field, PositiveIntegerField

from portal.lib.paging import _fits, _read


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
        base64.urlsafe_b64encode(b"[" * 1100).decode(),
    ],
)
def test_a_cursor_that_is_none_begins_at_the_first_page(forged: str) -> None:
    assert _read(forged) == (False, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (CharField(), "vm-1 ü"),
        (PositiveIntegerField(), 0),
        (PositiveIntegerField(), 2**31 - 1),
        (DateTimeField(), "2026-03-02T12:00:00.000001+00:00"),
    ],
)
def test_a_key_that_the_column_holds_fits(field: "Field[object, object]", value: object) -> None:
    assert _fits(value, field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (CharField(), "\0"),
        (CharField(), "\ud800"),
        (CharField(), 7),
        (PositiveIntegerField(), float("inf")),
        (PositiveIntegerField(), True),
        (PositiveIntegerField(), "7"),
        (PositiveIntegerField(), -1),
        (PositiveIntegerField(), 2**31),
        (DateTimeField(), 7),
        (DateTimeField(), "noon"),
        (DateTimeField(), "2026-03-02T12:00:00"),
        (DateTimeField(), "0001-01-01T00:00:00+23:00"),
        (DateTimeField(), "9999-12-31T23:59:59-23:00"),
        (DateTimeField(), None),
    ],
)
def test_a_key_that_the_column_cannot_hold_does_not_fit(
    field: "Field[object, object]", value: object
) -> None:
    assert not _fits(value, field)
