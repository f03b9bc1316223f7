"""Wakes and live topics through Redis: hints that may be lost, sent on commit.

Whoever listens polls as well, so that a dead Redis costs seconds and nothing else.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

LIVE = "live"
WAKE = "wake"
REVOKED = "revoked"
TOKEN_LIFETIME_S = 60
TOPICS_MAX = 64
PATIENCE_S = 0.5
LEFT_ALONE_S = 2.0
"""After a failure nothing is published for so long: a Redis that hangs must not slow every request down."""
_left_alone: dict[str, float] = {}

log = logging.getLogger(__name__)


class TokenRefused(Exception):
    """A stream's token is forged, expired or malformed."""


@dataclass(frozen=True, slots=True)
class StreamGrant:
    """What a token lets one person listen to: topics of one tenant, until `expires` (Unix seconds)."""

    person: int
    tenant: str
    topics: tuple[str, ...]
    expires: int


@lru_cache(maxsize=2)
def _redis(url: str) -> Redis:
    # A hint is not worth waiting for, and not worth a second try.
    return Redis.from_url(
        url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S, retry=Retry(NoBackoff(), 0)
    )


def redis_url() -> str:
    """Return where Redis is."""
    return os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


def _send(channel: str, *messages: str) -> None:
    def send() -> None:  # a partial has no __qualname__, and Django's report of a failure needs one
        url = redis_url()
        if time.monotonic() < _left_alone.get(url, 0.0):
            return
        try:
            with _redis(url).pipeline(transaction=False) as pipeline:
                for message in messages:
                    pipeline.publish(channel, message)
                pipeline.execute()
        except (RedisError, OSError) as error:
            _left_alone[url] = time.monotonic() + LEFT_ALONE_S
            log.warning("Redis does not take what is published, and is left alone for a while: %s", error)

    transaction.on_commit(send, robust=True)


def wake(agent_ids: Iterable[UUID]) -> None:
    """Tell the gateways on commit that these agents have commands due; in one go, as Redis may be slow."""
    if agents := sorted({str(agent_id) for agent_id in agent_ids}):
        _send(WAKE, *agents)


def revoked(agent_id: UUID) -> None:
    """Tell the gateways on commit to forget what they know of this agent."""
    _send(REVOKED, str(agent_id))


def publish(topic: str, *, tenant_id: UUID) -> None:
    """Tell the browsers on commit that `topic` of the tenant has changed."""
    version = time.time_ns() // 1_000_000
    _send(LIVE, json.dumps({"topic": topic, "version": version, "tenant": str(tenant_id)}))


def token_make(*, secret: str, person: int, tenant: str, topics: Sequence[str], now: float) -> str:
    """Return a token for one stream, valid for TOKEN_LIFETIME_S from `now` (Unix seconds)."""
    content = {"p": person, "t": tenant, "o": list(topics)[:TOPICS_MAX], "e": int(now) + TOKEN_LIFETIME_S}
    encoded = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    return f"{encoded}.{_mac(secret, encoded)}"


def token_read(token: str, *, secret: str, now: float) -> StreamGrant:
    """Return what the token allows; raises TokenRefused."""
    encoded, _, mac = token.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(secret, encoded).encode()):  # it may hold any letter
        raise TokenRefused("forged")
    try:
        content = json.loads(base64.urlsafe_b64decode(encoded))
        grant = StreamGrant(content["p"], content["t"], tuple(content["o"]), int(content["e"]))
    except (ValueError, KeyError, TypeError) as error:
        raise TokenRefused("malformed") from error
    if now >= grant.expires:
        raise TokenRefused("expired")
    return grant


def _mac(secret: str, encoded: str) -> str:
    key = hashlib.sha256(b"landfall-live\0" + secret.encode()).digest()
    return hmac.new(key, encoded.encode(), hashlib.sha256).hexdigest()
