"""All addresses."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from portal.pages.home import Home, LiveToken, Theme

urlpatterns = [
    path("", Home.as_view(), name="home"),
    path("theme", Theme.as_view(), name="theme"),
    path("live/token", LiveToken.as_view(), name="live-token"),
    path("accounts/", include("allauth.account.urls")),
    path("agent/", include("agents.urls.agent")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/", include("tenants.urls.api")),
    path("api/v1/", include("agents.urls.api")),
    path("api/v1/", include("migrations_app.urls.api")),
    path("api/v1/", include("billing.urls.api")),
]
