"""Pages of an organisation itself, below /t/<organisation>/."""

from django.urls import path

from tenants.views import sign_in_rules, tokens

urlpatterns = [
    path("tokens/", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/csv", tokens.TokensCsv.as_view(), name="tokens-csv"),
    path("tokens/<uuid:token>/revoke", tokens.TokenRevoke.as_view(), name="token-revoke"),
    path("sign-in", sign_in_rules.SignInRules.as_view(), name="sign-in-rules"),
]
