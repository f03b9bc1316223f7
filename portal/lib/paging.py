"""Keyset pages: a page begins after a row and not after a count, so that page 200 costs what page 1 does."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import CharField, DateTimeField, IntegerField, Model, Q, QuerySet

from portal.lib.plain import storable

PAGE = 50
ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True)
class Page(Generic[ModelT]):
    """Some rows, and the cursors of the pages beside them; empty at an end."""

    rows: Sequence[ModelT]
    next: str
    previous: str


def page_of(rows: QuerySet[ModelT], *, sort: str, cursor: str, limit: int = PAGE) -> Page[ModelT]:
    """Return the page at `cursor` of `rows`, sorted by `sort` (a column, with "-" in front: descending).

    A cursor comes from an address, so anybody may have written it: one that does not fit is the first page's.
    """
    column, descending = sort.removeprefix("-"), sort.startswith("-")
    back, key = _read(cursor)
    if key and not _fits(key[0], _field(rows, column)):  # somebody made the cursor up
        back, key = False, []
    falling = descending != back
    if key:
        rows = rows.filter(_beyond(column, key, falling=falling))
    signs = "-" if falling else ""
    found = list(rows.order_by(f"{signs}{column}", f"{signs}id")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    if not found:
        return Page((), "", "")
    after = _write(found[-1], column, back=False) if more or back else ""
    before = _write(found[0], column, back=True) if (more if back else bool(key)) else ""
    return Page(found, after, before)


def _beyond(column: str, key: list[Any], *, falling: bool) -> Q:
    past = "lt" if falling else "gt"
    # The first condition alone is implied, and is what an index can begin at: an OR cannot.
    begun = Q(**{f"{column}__{past}e": key[0]})
    return begun & (Q(**{f"{column}__{past}": key[0]}) | Q(**{column: key[0], f"id__{past}": key[1]}))


def _write(row: Model, column: str, *, back: bool) -> str:
    value = getattr(row, column)
    shown = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([int(back), shown, str(row.pk)]).encode()).decode()


def _read(cursor: str) -> tuple[bool, list[Any]]:
    """Return direction and key; a cursor that is none begins at the first page."""
    try:
        back, value, key = json.loads(base64.urlsafe_b64decode(cursor))
        return bool(back), [value, UUID(key)]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False, []


def _field(rows: QuerySet[ModelT], column: str) -> Any:
    """Return the field of a column: the model's own, or what an annotation gives."""
    annotated = rows.query.annotations.get(column)
    return annotated.output_field if annotated is not None else rows.model._meta.get_field(column)


def _fits(value: object, field: Any) -> bool:
    """Return whether the column can hold the value, as `_write` has it: if not, the query itself fails."""
    if isinstance(field, DateTimeField):
        return isinstance(value, str) and _is_moment(value)
    if isinstance(field, IntegerField):
        least, most = connection.ops.integer_field_range(field.get_internal_type())
        return type(value) is int and (least or 0) <= value <= (most or 0)
    return isinstance(field, CharField) and isinstance(value, str) and storable(value)


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return False
