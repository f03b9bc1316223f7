"""Calls about migration groups."""

from django.urls import path

from migrations_app.api import groups, lists, order, quotas, uploads

_GROUP = "groups/<uuid:group>/"
_UNIT = "groups/<uuid:group>/units/<uuid:unit>/"

urlpatterns = [
    path("groups/", lists.Groups.as_view(), name="api-groups"),
    path(_GROUP, groups.OneGroup.as_view(), name="api-group"),
    path(f"{_GROUP}preflight/", groups.GroupPreflight.as_view(), name="api-group-preflight"),
    path(f"{_GROUP}tiers/", order.GroupTiers.as_view(), name="api-group-tiers"),
    path(f"{_GROUP}start/", groups.GroupStart.as_view(), name="api-group-start"),
    path(f"{_GROUP}cancel/", groups.GroupCancel.as_view(), name="api-group-cancel"),
    path(f"{_GROUP}pause/", groups.GroupPause.as_view(), name="api-group-pause"),
    path(f"{_GROUP}resume/", groups.GroupResume.as_view(), name="api-group-resume"),
    path(f"{_GROUP}cutover/", groups.GroupCutover.as_view(), name="api-group-cutover"),
    path(f"{_GROUP}withdraw/", groups.GroupWithdraw.as_view(), name="api-group-withdraw"),
    path(f"{_GROUP}budget/", groups.GroupBudget.as_view(), name="api-group-budget"),
    path(f"{_GROUP}commit/", groups.GroupCommit.as_view(), name="api-group-commit"),
    path(f"{_GROUP}rollback/", groups.GroupRollback.as_view(), name="api-group-rollback"),
    path(f"{_UNIT}history/", groups.UnitHistory.as_view(), name="api-unit-history"),
    path(f"{_UNIT}retry/", groups.UnitRetry.as_view(), name="api-unit-retry"),
    path(f"{_UNIT}rollback/", groups.UnitRollback.as_view(), name="api-unit-rollback"),
    path(f"{_UNIT}accept-unverified/", groups.UnitAcceptUnverified.as_view(), name="api-unit-accept"),
    path("quotas/", quotas.Quotas.as_view(), name="api-quotas"),
    path("compliance/", quotas.Compliance.as_view(), name="api-compliance"),
    path("tenants/<uuid:organisation>/", quotas.OneTenant.as_view(), name="api-tenant"),
    path("tenants/<uuid:organisation>/close/", quotas.Close.as_view(), name="api-tenant-close"),
    path("sites/<uuid:site>/upload/", uploads.SiteUpload.as_view(), name="api-site-upload"),
    path("sites/<uuid:site>/upload/keep/", uploads.SiteUploadKeep.as_view(), name="api-site-upload-keep"),
    path("provider/groups/", lists.ProviderGroups.as_view(), name="api-provider-groups"),
    path(f"{_UNIT}declare-off/", groups.UnitDeclareOff.as_view(), name="api-unit-declare-off"),
]
