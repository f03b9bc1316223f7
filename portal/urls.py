"""All addresses."""

from allauth.account import views as accounts
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from agents.views.upgrades import ProviderAgents, ProviderAgentsCsv
from billing.views.usage import Prices, PricesCsv, ProviderUsage, ProviderUsageCsv
from migrations_app.views.group import ProviderGroup
from migrations_app.views.lists import ProviderGroups, ProviderGroupsCsv
from portal.pages.accounts import password_change
from portal.pages.codes import Code
from portal.pages.compliance import Compliance, ComplianceCsv
from portal.pages.desk import TenantArchive, TenantPolicy, TenantsBulk, TenantStands
from portal.pages.home import Home, LiveToken, Theme
from portal.pages.installer import Installer, ReleaseFile
from portal.pages.policies import OnePolicy, Policies, PoliciesCsv
from portal.pages.provider import OneTenant, ProviderHome, TenantOffers, Tenants, TenantsCsv
from portal.pages.quotas import Quotas, TenantExport
from portal.pages.tenant import TenantHome
from tenants.views.sign_in_rules import TenantSignInRules

_TENANT: list[URLPattern | URLResolver] = [
    path("", TenantHome.as_view(), name="tenant_home"),
    path("quotas/", Quotas.as_view(), name="quotas"),
    path("export.zip", TenantExport.as_view(), name="tenant-export"),
    path("", include("agents.urls.pages")),
    path("", include("migrations_app.urls.pages")),
    path("", include("billing.urls.pages")),
    path("", include("tenants.urls.pages")),
]
# Of allauth's doors those that send no mail: nothing here can send one yet.
_ACCOUNTS: list[URLPattern | URLResolver] = [
    path("", include("tenants.urls.accounts")),
    path("logout/", accounts.logout, name="account_logout"),
    path("inactive/", accounts.account_inactive, name="account_inactive"),
    path("signup/", accounts.signup, name="account_signup"),
    path("password/change/", password_change, name="account_change_password"),
]
_PROVIDER = [
    path("", ProviderHome.as_view(), name="provider_home"),
    path("tenants/", Tenants.as_view(), name="tenants"),
    path("tenants/csv", TenantsCsv.as_view(), name="tenants-csv"),
    path("tenants/<uuid:organisation>/", OneTenant.as_view(), name="tenant"),
    path("tenants/<uuid:organisation>/offers", TenantOffers.as_view(), name="tenant-offers"),
    path("tenants/bulk", TenantsBulk.as_view(), name="tenants-bulk"),
    path("tenants/<uuid:organisation>/policy", TenantPolicy.as_view(), name="tenant-policy"),
    path("tenants/<uuid:organisation>/standing", TenantStands.as_view(), name="tenant-standing"),
    path("tenants/<uuid:organisation>/export.zip", TenantArchive.as_view(), name="tenant-archive"),
    path("policies/", Policies.as_view(), name="policies"),
    path("policies/csv", PoliciesCsv.as_view(), name="policies-csv"),
    path("policies/<uuid:policy>/", OnePolicy.as_view(), name="policy"),
    path("compliance/", Compliance.as_view(), name="compliance"),
    path("compliance/csv", ComplianceCsv.as_view(), name="compliance-csv"),
    path("tenants/<uuid:organisation>/sign-in", TenantSignInRules.as_view(), name="tenant-sign-in-rules"),
    path("agents/", ProviderAgents.as_view(), name="provider_agents"),
    path("agents/csv", ProviderAgentsCsv.as_view(), name="provider-agents-csv"),
    path("groups/", ProviderGroups.as_view(), name="provider_groups"),
    path("groups/csv", ProviderGroupsCsv.as_view(), name="provider-groups-csv"),
    path("groups/<uuid:group>/", ProviderGroup.as_view(), name="provider_group"),
    path("usage/", ProviderUsage.as_view(), name="provider_usage"),
    path("usage/csv", ProviderUsageCsv.as_view(), name="provider-usage-csv"),
    path("prices/csv", PricesCsv.as_view(), name="prices-csv"),
    path("prices/", Prices.as_view(), name="prices"),
]

urlpatterns = [
    path("", Home.as_view(), name="home"),
    path("theme", Theme.as_view(), name="theme"),
    path("e/<str:code>", Code.as_view(), name="code"),
    path("live/token", LiveToken.as_view(), name="live-token"),
    path("accounts/", include(_ACCOUNTS)),
    path("t/<uuid:tenant>/", include(_TENANT)),
    path("provider/", include(_PROVIDER)),
    path("agent/install", Installer.as_view(), name="agent-install"),
    path("agent/release/<str:name>", ReleaseFile.as_view(), name="agent-release"),
    path("agent/", include("agents.urls.agent")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include("tenants.urls.api")),
    path("api/v1/", include("agents.urls.api")),
    path("api/v1/", include("migrations_app.urls.api")),
    path("api/v1/", include("billing.urls.api")),
]

handler400 = "portal.pages.failures.bad_request"
handler404 = "portal.pages.failures.not_found"
handler500 = "portal.pages.failures.failed"
