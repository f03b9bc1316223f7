"""What no page and no call can read is refused in one place, before any of them runs."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import render

from tenants.interfaces.problems import CONTENT_TYPE, problem_content

CALLS = ("/api/", "/agent/")
_WHY = "The address holds a NUL, which no text may. Send it without."


class RefuseNul:
    """Refuses a NUL in the address or in a form: PostgreSQL holds none, so that every search would fail.

    The forms of calls are not looked at: they take JSON alone, which `portal.lib.parsing` reads.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as the view does; a cookie with a NUL is none of ours, so that it counts as none."""
        request.COOKIES = {name: text for name, text in request.COOKIES.items() if "\0" not in text}
        return self._answer(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        """Refuse what was sent, if need be."""
        call = request.path.startswith(CALLS)
        if not _has_nul(request.GET) and (call or not _has_nul(request.POST)):
            return None
        if call:
            content = problem_content(400, "parse_error", _WHY)
            return JsonResponse(content, status=400, content_type=CONTENT_TYPE)
        return render(request, "400.html", status=400)


def _has_nul(query: QueryDict) -> bool:
    return any("\0" in text for key, texts in query.lists() for text in (key, *map(str, texts)))
