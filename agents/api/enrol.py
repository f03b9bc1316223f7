"""The one call of an agent that the web process answers: enrolment, by a one-off key."""

import base64
from dataclasses import asdict

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle, BaseThrottle

from agents.services import Newcomer, agent_enrol
from portal.lib.refusal import Refusal
from tenants.interfaces import OpenApi
from tenants.interfaces.addresses import client_address

KEY_TEXT_MAX = 64


class EnrolThrottle(AnonRateThrottle):
    """A key has 256 bits, so that guessing is hopeless; this keeps it cheap as well.

    Only keys that let nobody in count: many hosts behind one address may come in at once.
    """

    rate = "60/min"

    def get_ident(self, request: Request) -> str:
        """Return the client's address; by itself the framework believes whatever the client says of it."""
        return client_address(request)

    def throttle_success(self) -> bool:
        """Return True; whether the call counts is not known yet."""
        return True

    def count(self) -> None:
        """Count this call."""
        super().throttle_success()


class EnrolIn(serializers.Serializer[object]):
    """What an agent says of itself; keys are raw, in base64."""

    token = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=200, allow_blank=True, default="")
    host_name = serializers.CharField(max_length=255, allow_blank=True, default="")
    duties = serializers.ListField(child=serializers.CharField(max_length=16), max_length=4)
    signing_key = serializers.CharField(max_length=KEY_TEXT_MAX)
    sealing_key = serializers.CharField(max_length=KEY_TEXT_MAX)
    version = serializers.CharField(max_length=40, allow_blank=True, default="")


class EnrolOut(serializers.Serializer[object]):
    """What the agent needs from now on."""

    agent_id = serializers.UUIDField()
    site_id = serializers.UUIDField()
    gateway = serializers.CharField()
    certificate = serializers.CharField()
    authority = serializers.CharField()
    portal_key = serializers.CharField()
    bearer = serializers.CharField()
    bearer_expires = serializers.DateTimeField()


class Enrol(OpenApi):
    """Lets an agent in."""

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the one throttle, which `post` tells what counts."""
        self._guesses = EnrolThrottle()
        return [self._guesses]

    @extend_schema(request=EnrolIn, responses=EnrolOut)
    def post(self, request: Request) -> Response:
        """Spend a one-off key."""
        asked = EnrolIn(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        newcomer = Newcomer(
            name=said["name"],
            host_name=said["host_name"],
            duties=said["duties"],
            signing_key=_key(said["signing_key"]),
            sealing_key=_key(said["sealing_key"]),
            version=said["version"],
        )
        try:
            let_in = agent_enrol(token=said["token"], newcomer=newcomer, now=timezone.now())
        except Refusal:
            self._guesses.count()
            raise
        return Response(EnrolOut({**asdict(let_in), "gateway": settings.GATEWAY_URL}).data)


def _key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise serializers.ValidationError("A key is base64.") from error
