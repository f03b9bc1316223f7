"""Where a person's sign-in is changed, as far as it can be."""

from allauth.account import views
from django.http import Http404, HttpRequest, HttpResponseBase

from tenants.interfaces.sessions import sessions_end_others

REDIRECTED = 302


def password_change(request: HttpRequest) -> HttpResponseBase:
    """Change the password. Who has none is told so by 404: allauth would send them to set one by a mail."""
    if request.user.is_authenticated and not request.user.has_usable_password():
        raise Http404
    answer: HttpResponseBase = views.password_change(request)
    if request.method == "POST" and answer.status_code == REDIRECTED:
        sessions_end_others(request)  # Django lets them in no more; this takes them off the list as well
    return answer
