"""Calls about sites and what is at them."""

from django.urls import path

from agents.api import estate, sites, upgrades

urlpatterns = [
    path("sites/", sites.Sites.as_view(), name="api-sites"),
    path("sites/<uuid:site>/", sites.OneSite.as_view(), name="api-site"),
    path("sites/<uuid:site>/connect/", sites.SiteConnect.as_view(), name="api-site-connect"),
    path("sites/<uuid:site>/certificate/", sites.SiteCertificate.as_view(), name="api-site-certificate"),
    path("sites/<uuid:site>/enrolments/", sites.SiteEnrolments.as_view(), name="api-site-enrolments"),
    path("agents/", estate.Agents.as_view(), name="api-agents"),
    path("agents/<uuid:agent>/revoke/", estate.AgentRevoke.as_view(), name="api-agent-revoke"),
    path("agents/<uuid:agent>/upgrade/", estate.AgentUpgrade.as_view(), name="api-agent-upgrade"),
    path("provider/agents/", upgrades.ProviderAgents.as_view(), name="api-provider-agents"),
    path(
        "provider/agents/upgrade/",
        upgrades.ProviderAgentsUpgrade.as_view(),
        name="api-provider-agents-upgrade",
    ),
    path("machines/", estate.Machines.as_view(), name="api-machines"),
    path("commands/", estate.Commands.as_view(), name="api-commands"),
    path("destinations/", estate.Destinations.as_view(), name="api-destinations"),
    path("offers/", estate.Offers.as_view(), name="api-offers"),
]
