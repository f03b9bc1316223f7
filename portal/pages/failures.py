"""What cannot be answered, told as its asker reads: a page to a person, a problem document to a program."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults

from tenants.interfaces.problems import CONTENT_TYPE, problem_content
from tenants.interfaces.unreadable import CALLS


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer what is too large, malformed, or sent to a name that is not ours."""
    if not _by_program(request):
        return defaults.bad_request(request, exception)
    return _problem(
        400, code="bad_request", detail="The request is malformed, too large, or names another host."
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer where nothing is."""
    if not _by_program(request):
        return defaults.page_not_found(request, exception)
    return _problem(404, code="not_found", detail="There is nothing here, or it is not yours.")


def failed(request: HttpRequest) -> HttpResponseBase:
    """Answer what nobody expected; it has been logged."""
    if not _by_program(request):
        return defaults.server_error(request)
    detail = "Something failed on our side; what you asked for was not done. Try again in a minute."
    return _problem(500, code="server_error", detail=detail)


def _by_program(request: HttpRequest) -> bool:
    return request.path.startswith(CALLS)


def _problem(status: int, *, code: str, detail: str) -> JsonResponse:
    return JsonResponse(problem_content(status, code, detail), status=status, content_type=CONTENT_TYPE)
