"""Calls about a site's uploaded inventory: send a workbook of RVTools, keep it, forget it."""

from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, cast
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from agents.domain.rvtools import FILE_MAX
from agents.models import InventoryUpload, Site
from agents.services import upload_drop, upload_keep, upload_preview
from migrations_app.selectors.uploads import (
    LINE_MAX_MBIT,
    LINE_MBIT,
    upload_of,
    upload_sums,
    uploaded_machines,
)
from tenants.domain.roles import Right
from tenants.interfaces import TenantApi

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = 1 << 20
STORED = (
    *("id", "kept", "file_name", "sha256", "uploaded_at", "uploaded_by", "vcenter", "faults", "faulty"),
    *("missing", "missing_names"),
)


class WorkbookParser(BaseParser):
    """Takes a workbook as the whole body, into a file that ends with the request."""

    media_type = XLSX

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the file; one that is too large is cut there, and refused for its size."""
        file = TemporaryFile()  # noqa: SIM115  the request's data, closed when that is dropped
        while file.tell() <= FILE_MAX and (piece := stream.read(PIECE)):
            file.write(piece)
        file.flush()
        return file


class RoughOut(serializers.Serializer[object]):
    """How long copying all of it takes, in seconds; null: at that change rate it never catches up."""

    low = serializers.IntegerField(allow_null=True)
    likely = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)


class UploadOut(serializers.Serializer[object]):
    """An uploaded inventory: what it says in sums, and what it would change."""

    id = serializers.UUIDField()
    kept = serializers.BooleanField()
    file_name = serializers.CharField()
    sha256 = serializers.CharField()
    uploaded_at = serializers.DateTimeField()
    uploaded_by = serializers.CharField()
    vcenter = serializers.CharField()
    faults = serializers.ListField(child=serializers.CharField())
    faulty = serializers.IntegerField()
    missing = serializers.IntegerField()
    missing_names = serializers.ListField(child=serializers.CharField())
    machines = serializers.IntegerField()
    templates = serializers.IntegerField()
    running = serializers.IntegerField()
    used_bytes = serializers.IntegerField()
    provisioned_bytes = serializers.IntegerField()
    changes = serializers.DictField(child=serializers.IntegerField())
    estimate = RoughOut()


class LineIn(serializers.Serializer[object]):
    """The line that the estimate is for."""

    mbit = serializers.IntegerField(min_value=1, max_value=LINE_MAX_MBIT, default=LINE_MBIT)


class UploadApi(TenantApi):
    """A call about one site's uploaded inventory."""

    def site(self, site: UUID) -> Site:
        """Return the site, if it is the organisation's."""
        return Site.objects.visible_to(self.actor).get(id=site)

    def told(self, request: Request, upload: InventoryUpload, status: int = 200) -> Response:
        """Return the upload as it is told."""
        asked = LineIn(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        sums = upload_sums(uploaded_machines(actor=self.actor, upload=upload), asked.validated_data["mbit"])
        rough = sums.pop("rough")
        own = {name: getattr(upload, name) for name in STORED}
        return Response(UploadOut({**own, **sums, "estimate": _seconds(rough)}).data, status=status)


class SiteUpload(UploadApi):
    """A site's uploaded inventory."""

    rights = {"POST": Right.MANAGE_SITES, "DELETE": Right.MANAGE_SITES}  # noqa: RUF012
    parser_classes = (WorkbookParser,)

    @extend_schema(
        responses=UploadOut, parameters=[OpenApiParameter("mbit", int, description="the line, Mbit/s")]
    )
    def get(self, request: Request, site: UUID) -> Response:
        """Return the preview or, without one, what was kept."""
        upload = upload_of(actor=self.actor, site=self.site(site))
        if upload is None:
            raise Http404
        return self.told(request, upload)

    @extend_schema(
        request={XLSX: OpenApiTypes.BINARY},
        responses={201: UploadOut},
        parameters=[OpenApiParameter("name", str, description="the file's name")],
    )
    def post(self, request: Request, site: UUID) -> Response:
        """Send a workbook of RVTools; it is a preview until it is kept."""
        own = self.site(site)
        # A call without a body never meets the parser.
        with cast(BinaryIO, request.data or TemporaryFile()) as file:
            upload = upload_preview(
                actor=self.actor,
                site=own,
                file=file,
                file_name=request.query_params.get("name", ""),
                by=str(request.user),
                now=timezone.now(),
            )
        return self.told(request, upload, 201)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, site: UUID) -> Response:
        """Forget the preview or, without one, what was kept."""
        upload_drop(actor=self.actor, site=self.site(site))
        return Response(status=204)


class SiteUploadKeep(UploadApi):
    """The preview becomes the site's uploaded inventory."""

    right = Right.MANAGE_SITES

    @extend_schema(request=None, responses=UploadOut)
    def post(self, request: Request, site: UUID) -> Response:
        """Keep it."""
        return self.told(request, upload_keep(actor=self.actor, site=self.site(site)))


def _seconds(rough: Any) -> dict[str, int | None]:
    return {
        name: None if value is None else int(value.total_seconds())
        for name, value in {"low": rough.low, "likely": rough.likely, "high": rough.high}.items()
    }
