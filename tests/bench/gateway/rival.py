"""The alternative: the same two calls as plain Django views, without the portal's middleware.

The heartbeat is stored by the same database function, as its role; the poll waits in Django's ASGI handler.
"""

import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

POLL_S = 25

django.setup()
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
settings.ALLOWED_HOSTS = ["*"]

_KNOWN: dict[bytes, str] = {}
"""Bearers by hash, as the gateway keeps them."""


def heartbeat(request: HttpRequest) -> JsonResponse:
    """Take one heartbeat and store it."""
    beat = json.loads(request.body)
    now = time.time()
    agent = _agent(hashlib.sha256(request.headers["Authorization"].partition(" ")[2].encode()).digest())
    values = [agent], [beat["number"]], [datetime.fromtimestamp(now, UTC)], [beat["version"]]
    told = [beat["address"]], [json.dumps(beat["capabilities"])], [int((beat["at"] - now) * 1000)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM public.heartbeats_apply(%s::uuid[], %s::bigint[], %s, %s, %s, %s::jsonb[], %s)",
            [*values, *told],
        )
    return _sized(JsonResponse({"now": int(now)}))


async def commands(request: HttpRequest) -> JsonResponse:
    """Wait as a long-poll does that brings nothing."""
    await asyncio.sleep(POLL_S)
    return _sized(JsonResponse({"commands": []}))


def _sized(answer: JsonResponse) -> JsonResponse:
    answer["Content-Length"] = str(len(answer.content))
    return answer


def _agent(hash_: bytes) -> str:
    if hash_ not in _KNOWN:
        with connection.cursor() as cursor:
            cursor.execute("SELECT agent_id FROM public.agent_by_bearer(%s)", [hash_])
            _KNOWN[hash_] = str(cursor.fetchone()[0])
    return _KNOWN[hash_]


urlpatterns = [path("agent/v1/heartbeat", heartbeat), path("agent/v1/commands", commands)]
wsgi = WSGIHandler()
asgi = ASGIHandler()
