"""Answers that are files."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

# What a spreadsheet would run instead of showing it; a number may well begin with a sign.
_FORMULA = re.compile(r"[=+\-@\t\r](?!\d+(\.\d+)?$)")


def csv_answer(name: str, rows: Iterable[Sequence[str]]) -> HttpResponse:
    """Return `rows` as a file to keep."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def harmless(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it: names are written by whoever runs a vCenter."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
