"""What a code means, for whoever was shown one: the address that a problem document names as its type."""

import re
from functools import lru_cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from tenants.interfaces import OpenView

# The document and this page are one: what a program is told and what a person reads cannot differ.
DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
_ROW = re.compile(
    r"^\| `(?P<code>[\w-]+)` \| (?P<status>[^|]*) \| (?P<what>[^|]*) \| (?P<remedy>[^|]*) \|$", re.M
)
_PLAIN = re.compile(r"`([^`]*)`|\[([^\]]*)\]\([^)]*\)")


@lru_cache(maxsize=1)
def codes_told() -> dict[str, dict[str, str]]:
    """Return what the document says of each code: `code`, `status`, `what` and `remedy`, as plain text."""
    rows = [found.groupdict() for found in _ROW.finditer(DOCUMENT.read_text())]
    return {row["code"]: {key: _PLAIN.sub(r"\1\2", text) for key, text in row.items()} for row in rows}


class Code(OpenView):
    """One code: what happened, why, and what to do."""

    def get(self, request: HttpRequest, code: str) -> HttpResponseBase:
        """Show it; a code that does not exist is not there."""
        told = codes_told().get(code)
        if told is None:
            raise Http404
        return render(request, "pages/code.html", {"told": told})
