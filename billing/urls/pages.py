"""Pages of money, below /t/<organisation>/."""

from django.urls import path

from billing.views import usage

urlpatterns = [
    path("usage/", usage.Usage.as_view(), name="usage"),
    path("usage/csv", usage.UsageCsv.as_view(), name="usage-csv"),
]
