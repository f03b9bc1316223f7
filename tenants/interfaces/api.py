"""The base of the API's calls."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.lib.authentication import BrowserSession
from portal.lib.paging import page_of
from portal.lib.refusal import Refusal
from portal.lib.tenancy import provider_context, tenant_context
from portal.lib.whole import whole
from tenants.domain.roles import Actor, Right, TenantKind
from tenants.domain.tokens import TokenNotAllowed, TokenRefused, TokenUse
from tenants.interfaces.authentication import ApiTokenBearer
from tenants.interfaces.factors import second_factor_check
from tenants.selectors import Belonging, belongings_of

ORGANISATION = "HTTP_LANDFALL_ORGANISATION"
PAGE = 100
PAGE_MAX = 500


class OrganisationNeeded(Refusal):
    """A person of several organisations did not say which one this is about."""

    code = "organisation_needed"
    status = 400


class OpenApi(APIView):
    """A call that belongs to nobody; it answers whoever asks."""

    permission_classes = (AllowAny,)
    authentication_classes = ()


class TenantApi(APIView):
    """A call inside one organisation: the person's own, or the one named by the header Landfall-Organisation.

    Outsiders get 404, insiders without `right` 403. The whole call is one transaction inside the
    organisation, and a refusal undoes it. A token is about its own organisation, has no right that its maker
    has lost, and reaches nothing that is not `by_token`.
    """

    authentication_classes = (ApiTokenBearer, BrowserSession)
    right: ClassVar[Right] = Right.VIEW
    rights: ClassVar[dict[str, Right]] = {}
    by_token: ClassVar[bool] = True
    actor: Actor
    belonging: Belonging
    _stack: ExitStack

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Resolve the organisation and enter it."""
        super().initial(request, *args, **kwargs)
        if request.user.pk is None:
            raise NotAuthenticated
        use = request.auth if isinstance(request.auth, TokenUse) else None
        belongings = belongings_of(request.user.pk)
        self.belonging = self.resolve(belongings if use is None else self._own_of(use, belongings))
        if use is None:
            second_factor_check(request, self.belonging)  # whoever makes a token has passed
        self.actor = self.belonging.actor(request.user.pk, only=use.rights if use else None)
        self.actor.require(self.rights.get(request.method or "", self.right))
        self.belonging.stand.method_check(request.method or "")
        self._stack.enter_context(self.context())
        # What a refusal undoes; the context around it still has to leave the organisation.
        self._stack.enter_context(transaction.atomic())
        self._entered = True

    def _own_of(self, use: TokenUse, belongings: list[Belonging]) -> list[Belonging]:
        """Return the one organisation of a token. Raises Http404, TokenRefused and TokenNotAllowed."""
        if self.request.META.get(ORGANISATION, str(use.tenant_id)).lower() != str(use.tenant_id):
            raise Http404
        own = [belonging for belonging in belongings if belonging.tenant_id == use.tenant_id]
        if not own:
            raise TokenRefused("Who made its token is no member any more.", "Ask for a token of a member.")
        if not self.by_token:
            raise TokenNotAllowed(
                "The call was not let in.",
                why="A token does not reach this: it is for people who have signed in.",
                remedy="Sign in and do it with the browser.",
            )
        return own

    def resolve(self, belongings: list[Belonging]) -> Belonging:
        """Return the organisation that the call is about. Raises Http404 and OrganisationNeeded."""
        asked = self.request.META.get(ORGANISATION)
        if asked is None:
            if len(belongings) != 1:
                raise _organisation_needed(belongings)
            return belongings[0]
        for belonging in belongings:
            if str(belonging.tenant_id) == asked.lower():
                return belonging
        raise Http404

    def context(self) -> Any:
        """Return the context in which the call runs."""
        return tenant_context(self.actor.tenant_id)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Run the call in a context that ends with it, however it ends."""
        self._entered = False
        with ExitStack() as self._stack:
            return super().dispatch(request, *args, **kwargs)

    def leave(self) -> None:
        """Leave the organisation, as before work that enters another one."""
        self._stack.close()
        self._entered = False

    def handle_exception(self, exc: Exception) -> Response:
        """Undo what the call did, and answer."""
        if self._entered:
            transaction.set_rollback(True)
        return super().handle_exception(exc)


class ProviderApi(TenantApi):
    """A call of the provider's staff that reads across tenants; to everybody else it is not there."""

    right = Right.PROVIDER_VIEW

    def resolve(self, belongings: list[Belonging]) -> Belonging:
        """Return the provider. Raises Http404."""
        for belonging in belongings:
            if belonging.kind is TenantKind.PROVIDER:
                return belonging
        raise Http404

    def context(self) -> Any:
        """Return the context in which all tenants can be read."""
        return provider_context()


def listed(request: Request, rows: Any, *, sort: str, shown: Callable[[Sequence[Any]], Any]) -> Response:
    """Return one page of `rows` by the column `sort`, as `shown` makes JSON of it, and the next one."""
    page = page_of(rows, sort=sort, cursor=request.query_params.get("cursor", ""), limit=limit_of(request))
    return Response({"results": shown(page.rows), "next": following(request, page.next)})


def limit_of(request: Request) -> int:
    """Return how many rows the caller wants of a page: PAGE unless told, at most PAGE_MAX."""
    return min(max(whole(request.query_params.get("limit"), PAGE), 1), PAGE_MAX)


def following(request: Request, cursor: str) -> str | None:
    """Return the address of the page at `cursor`, with all else that was asked; None for no cursor."""
    query = request.query_params.copy()
    query["cursor"] = cursor
    return f"{request.path}?{query.urlencode()}" if cursor else None


def _organisation_needed(belongings: list[Belonging]) -> OrganisationNeeded:
    names = ", ".join(f"{belonging.name} ({belonging.tenant_id})" for belonging in belongings)
    return OrganisationNeeded(
        "The call was not made.",
        why=f"You belong to {names}." if names else "You belong to no organisation.",
        remedy="Name one in the header Landfall-Organisation.",
    )


def uuid_or_404(text: str) -> UUID:
    """Return the id that a person gave. Raises Http404."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error
