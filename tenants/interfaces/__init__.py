"""The base of every view and every API call: the organisation is resolved here, once, and entered."""

from tenants.interfaces.api import OpenApi, ProviderApi, TenantApi, listed
from tenants.interfaces.views import OpenView, ProviderView, TenantView

__all__ = ["OpenApi", "OpenView", "ProviderApi", "ProviderView", "TenantApi", "TenantView", "listed"]
