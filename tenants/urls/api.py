"""Calls about organisations."""

from django.urls import path

from tenants.api import organisations

urlpatterns = [
    path("me/", organisations.Me.as_view(), name="api-me"),
    path("tenants/", organisations.Tenants.as_view(), name="api-tenants"),
]
