"""Pages of migration groups, below /t/<organisation>/."""

from django.urls import path

from migrations_app.views import budget, commands, group, lists, order, plan, uploads

_GROUP = "groups/<uuid:group>/"
_UNIT = f"{_GROUP}machines/<uuid:unit>/"
_UPLOAD = "sites/<uuid:site>/upload"

urlpatterns = [
    path("commands/", commands.Commands.as_view(), name="commands"),
    path("commands/csv", commands.CommandsCsv.as_view(), name="commands-csv"),
    path(_UPLOAD, uploads.SiteUpload.as_view(), name="site-upload"),
    path(f"{_UPLOAD}/keep", uploads.SiteUploadKeep.as_view(), name="site-upload-keep"),
    path(f"{_UPLOAD}/drop", uploads.SiteUploadDrop.as_view(), name="site-upload-drop"),
    path(f"{_UPLOAD}/csv", uploads.SiteUploadCsv.as_view(), name="site-upload-csv"),
    path("groups/", lists.Groups.as_view(), name="groups"),
    path("groups/csv", lists.GroupsCsv.as_view(), name="groups-csv"),
    path("groups/new", plan.NewGroup.as_view(), name="group-new"),
    path(_GROUP, group.OneGroup.as_view(), name="group"),
    path(f"{_GROUP}cutover", group.Cutover.as_view(), name="group-cutover"),
    path(f"{_GROUP}budget", budget.Budget.as_view(), name="group-budget"),
    path(f"{_GROUP}order", order.BootOrder.as_view(), name="group-order"),
    path(f"{_GROUP}ask/<str:ask>", group.GroupAsk.as_view(), name="group-ask"),
    path(f"{_GROUP}confirm/<str:ask>", group.GroupConfirm.as_view(), name="group-confirm"),
    path(_UNIT, group.OneUnit.as_view(), name="unit"),
    path(f"{_UNIT}ask/<str:ask>", group.UnitAsk.as_view(), name="unit-ask"),
]
