"""Pages of what is at the far end of a wire, below /t/<organisation>/."""

from django.urls import path

from agents.views import agents, machines, sites, upgrades

urlpatterns = [
    path("sites/", sites.Sites.as_view(), name="sites"),
    path("sites/csv", sites.SitesCsv.as_view(), name="sites-csv"),
    path("sites/<uuid:site>/", sites.OneSite.as_view(), name="site"),
    path("sites/<uuid:site>/enrol", sites.SiteEnrol.as_view(), name="site-enrol"),
    path("sites/<uuid:site>/connect", sites.SiteConnect.as_view(), name="site-connect"),
    path("sites/<uuid:site>/certificate", sites.SiteCertificate.as_view(), name="site-certificate"),
    path("agents/", agents.Agents.as_view(), name="agents"),
    path("agents/csv", agents.AgentsCsv.as_view(), name="agents-csv"),
    path("agents/upgrade", upgrades.AgentsUpgrade.as_view(), name="agents-upgrade"),
    path("agents/<uuid:agent>/revoke", agents.AgentRevoke.as_view(), name="agent-revoke"),
    path("machines/", machines.Machines.as_view(), name="machines"),
    path("machines/csv", machines.MachinesCsv.as_view(), name="machines-csv"),
    path("machines/<uuid:machine>/", machines.OneMachine.as_view(), name="machine"),
]
