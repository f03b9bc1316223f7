"""What a tenant's policy allows it, beside what it uses; and everything that it has, as a file."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from migrations_app.selectors.usage import used_of
from tenants.domain.quota import NO_LIMIT, uses
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import TenantView
from tenants.interfaces.archive import archive_answer
from tenants.selectors import quota_of


class Quotas(TenantView):
    """Every limit with its use, before anybody meets it."""

    template = "pages/quotas.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them, those that are limited first."""
        quota = quota_of(self.actor.tenant_id)
        all_ = uses(quota, used_of(self.actor.tenant_id))
        limited = [use for use in all_ if use.limit != NO_LIMIT]
        return self.show(
            quota=quota,
            limited=limited,
            free=[use for use in all_ if use.limit == NO_LIMIT],
            own=self.belonging.kind is TenantKind.PROVIDER,
        )


class TenantExport(TenantView):
    """Everything that is the organisation's, in open formats."""

    right: ClassVar = Right.VIEW_MONEY

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file, made while it is sent."""
        return archive_answer(self.actor.tenant_id, now=timezone.now())
