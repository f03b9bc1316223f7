"""Refusals as RFC 9457 problem documents: one place for what the API says when it says no."""

from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException, Throttled, ValidationError
from rest_framework.response import Response

from portal.lib.refusal import Refusal

CONTENT_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, **more: object) -> Response:
    """Return a problem document."""
    content = {**problem_content(status, code, detail), **more}
    return Response(content, status=status, content_type=CONTENT_TYPE)


def problem_content(status: int, code: str, detail: str) -> dict[str, object]:
    """Return what a problem document says, for an answer that no call of the API makes."""
    content = {"type": f"/e/{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    return {**content, "detail": detail}


def problem_handler(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Return the answer to an exception; None for what nobody expected, which is logged as a 500."""
    if isinstance(error, Refusal):
        return _refused(error)
    if isinstance(error, Http404 | ObjectDoesNotExist):
        return problem(404, "not_found", "There is nothing here, or it is not yours.")
    if isinstance(error, PermissionDenied):
        return problem(403, "right_missing", "Your role does not allow this.")
    if isinstance(error, ValidationError):
        return problem(422, "invalid", "Some fields are not what they should be.", errors=error.detail)
    if isinstance(error, Throttled):
        return _throttled(getattr(error, "wait", None))
    if isinstance(error, APIException):
        code = str(error.get_codes()) if not isinstance(error.get_codes(), dict) else "invalid"
        return problem(error.status_code, code, str(error.detail))
    return None


def _refused(error: Refusal) -> Response:
    text = f"{error.what} {error.why} {error.remedy}"
    said = {**error.more, "what": error.what, "why": error.why, "remedy": error.remedy}
    answer = problem(error.status, error.code, text, **said)
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return answer


def _throttled(wait: float | None) -> Response:
    seconds = max(1, ceil(wait or 0))
    detail = f"This was tried too often from your address. Try again in {seconds} seconds."
    answer = problem(429, "throttled", detail)
    answer["Retry-After"] = str(seconds)
    return answer
