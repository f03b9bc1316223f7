"""Calls about organisations."""

from django.urls import path

from tenants.api import organisations, policies, sign_in_rules, standings, tokens

_TENANT = "tenants/<uuid:organisation>/"

urlpatterns = [
    path("me/", organisations.Me.as_view(), name="api-me"),
    path("tenants/", organisations.Tenants.as_view(), name="api-tenants"),
    path(f"{_TENANT}policy/", policies.TenantPolicy.as_view(), name="api-tenant-policy"),
    path(f"{_TENANT}suspend/", standings.Suspend.as_view(), name="api-tenant-suspend"),
    path(f"{_TENANT}resume/", standings.Resume.as_view(), name="api-tenant-resume"),
    path("policies/", policies.Policies.as_view(), name="api-policies"),
    path("policies/<uuid:policy>/", policies.OnePolicy.as_view(), name="api-policy"),
    path("export.zip", standings.Export.as_view(), name="api-export"),
    path("tokens/", tokens.Tokens.as_view(), name="api-tokens"),
    path("tokens/<uuid:token>/revoke/", tokens.TokenRevoke.as_view(), name="api-token-revoke"),
    path("sign-in-rules/", sign_in_rules.SignInRules.as_view(), name="api-sign-in-rules"),
]
