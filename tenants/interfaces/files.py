"""Answers that are files."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


def csv_answer(name: str, rows: Iterable[Sequence[str]]) -> HttpResponse:
    """Return `rows` as a file to keep."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
