"""Calls about sites: make one, enrol agents, connect its vCenter, accept its certificate."""

from uuid import UUID

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Site
from agents.selectors.releases import install_command, release_served
from agents.services import enrolment_create, site_certificate_accept, site_connect, site_create
from tenants.domain.roles import Right
from tenants.interfaces import TenantApi, listed


class SiteIn(serializers.Serializer[object]):
    """A new site."""

    name = serializers.CharField(max_length=200)


class ConnectIn(serializers.Serializer[object]):
    """A site's vCenter; the password is sealed to the site's connector and never answered."""

    host = serializers.CharField(max_length=255)
    port = serializers.IntegerField(min_value=1, max_value=65535, default=443)
    username = serializers.CharField(max_length=200)
    password = serializers.CharField(max_length=1000, write_only=True, trim_whitespace=False)


class CertificateIn(serializers.Serializer[object]):
    """The SHA-256 fingerprint that a person has compared."""

    fingerprint = serializers.CharField(max_length=100)


class SiteOut(serializers.ModelSerializer[Site]):
    """A site and how its vCenter answers."""

    class Meta:
        model = Site
        fields = (
            *("id", "name", "host", "port", "username", "fingerprint", "seen_fingerprint", "connector"),
            *("state", "state_code", "state_reason", "state_since", "about", "inventory_at"),
        )


class EnrolmentOut(serializers.Serializer[object]):
    """A one-off key, shown this once, and the command that spends it; empty while there is no release."""

    id = serializers.UUIDField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    command = serializers.CharField()


class Sites(TenantApi):
    """The organisation's sites."""

    rights = {"POST": Right.MANAGE_SITES}  # noqa: RUF012

    @extend_schema(responses=SiteOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the sites by name."""
        rows = Site.objects.visible_to(self.actor)
        return listed(request, rows, sort="name", shown=lambda page: SiteOut(page, many=True).data)

    @extend_schema(request=SiteIn, responses={201: SiteOut})
    def post(self, request: Request) -> Response:
        """Make a site."""
        asked = SiteIn(data=request.data)
        asked.is_valid(raise_exception=True)
        site = site_create(actor=self.actor, name=asked.validated_data["name"])
        return Response(SiteOut(site).data, status=201)


class OneSite(TenantApi):
    """One site."""

    @extend_schema(responses=SiteOut)
    def get(self, request: Request, site: UUID) -> Response:
        """Return the site."""
        return Response(SiteOut(Site.objects.visible_to(self.actor).get(id=site)).data)


class SiteConnect(TenantApi):
    """A site's vCenter."""

    right = Right.MANAGE_SITES

    @extend_schema(request=ConnectIn, responses=SiteOut)
    def post(self, request: Request, site: UUID) -> Response:
        """Set address and credentials; the connector tries them once."""
        asked = ConnectIn(data=request.data)
        asked.is_valid(raise_exception=True)
        own = Site.objects.visible_to(self.actor).get(id=site)
        changed = site_connect(site=own, actor=self.actor, now=timezone.now(), **asked.validated_data)
        return Response(SiteOut(changed).data)


class SiteCertificate(TenantApi):
    """The certificate of a site's vCenter."""

    right = Right.MANAGE_SITES

    @extend_schema(request=CertificateIn, responses=SiteOut)
    def post(self, request: Request, site: UUID) -> Response:
        """Pin it."""
        asked = CertificateIn(data=request.data)
        asked.is_valid(raise_exception=True)
        own = Site.objects.visible_to(self.actor).get(id=site)
        changed = site_certificate_accept(
            site=own, actor=self.actor, now=timezone.now(), **asked.validated_data
        )
        return Response(SiteOut(changed).data)


class SiteEnrolments(TenantApi):
    """One-off keys of a site."""

    right = Right.MANAGE_SITES

    @extend_schema(request=None, responses={201: EnrolmentOut})
    def post(self, request: Request, site: UUID) -> Response:
        """Make a key for one agent."""
        own = Site.objects.visible_to(self.actor).get(id=site)
        enrolment, token = enrolment_create(site=own, actor=self.actor, now=timezone.now())
        release = release_served()
        command = ""
        if release is not None:
            command = install_command(portal=settings.PORTAL_URL, token=token, release=release)
        made = {"id": enrolment.id, "token": token, "expires_at": enrolment.expires_at, "command": command}
        return Response(EnrolmentOut(made).data, status=201)
