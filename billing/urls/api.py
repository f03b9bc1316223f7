"""Calls about money."""

from django.urls import path

from billing.api import usage

urlpatterns = [
    path("usage/", usage.UsageList.as_view(), name="api-usage"),
    path("usage.csv", usage.UsageCsv.as_view(), name="api-usage-csv"),
    path("usage/prices/", usage.OwnPrices.as_view(), name="api-own-prices"),
    path("provider/usage.csv", usage.ProviderUsageCsv.as_view(), name="api-provider-usage-csv"),
    path("provider/usage/", usage.ProviderUsage.as_view(), name="api-provider-usage"),
    path("prices/", usage.Prices.as_view(), name="api-prices"),
]
