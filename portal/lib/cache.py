"""The cache that all processes share through Redis; while that is gone, each process has its own.

It holds counts and marks that may be lost: losing them gives somebody a few more tries, and nothing else.
"""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PATIENCE_S = 0.5
LEFT_ALONE_S = 2.0
"""After a failure Redis is not asked for so long: one that hangs must not slow every request down."""
_left_alone: dict[str, float] = {}

log = logging.getLogger(__name__)


class PlainSerializer:
    """JSON and not pickle: whoever writes into Redis must not run code in the portal."""

    def dumps(self, value: Any) -> Any:
        """Return what is stored; a whole number as it is, so that Redis can count."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        """Return what was stored."""
        return json.loads(stored)


class _Far(RedisCache):
    """Redis; a count never outlives its window."""

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Return the count with `delta` more. Raises ValueError where there is none."""
        client = self._cache.get_client(key, write=True)
        name = self.make_and_validate_key(key, version=version)
        # One that ended just now would begin anew here without an end, and close an account for good.
        counted = int(client.incr(name, delta))
        if client.ttl(name) == -1:
            client.delete(name)
            raise ValueError(f"Key '{key}' not found")
        return counted


class SteadyCache(BaseCache):
    """Redis at `server`, or this process's own memory while that does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
        options = {"serializer": PlainSerializer, "retry": Retry(NoBackoff(), 0), **patience}
        self._server = server
        self._far = _Far(server, {**params, "OPTIONS": options})
        self._near = LocMemCache("landfall", params)

    def _ask(self, name: str, *args: Any, **more: Any) -> Any:
        if time.monotonic() >= _left_alone.get(self._server, 0.0):
            try:
                return getattr(self._far, name)(*args, **more)
            except (RedisError, OSError) as error:
                _left_alone[self._server] = time.monotonic() + LEFT_ALONE_S
                log.warning("Redis does not answer; counts are kept in this process meanwhile: %s", error)
        return getattr(self._near, name)(*args, **more)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store what is not there yet; return whether it was not."""
        return bool(self._ask("add", key, value, timeout=timeout, version=version))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return what is stored, or `default`."""
        return self._ask("get", key, default, version=version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Store it."""
        self._ask("set", key, value, timeout=timeout, version=version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Give it a new end; return whether it is there."""
        return bool(self._ask("touch", key, timeout=timeout, version=version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove it; return whether it was there."""
        return bool(self._ask("delete", key, version=version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Return the count with `delta` more. Raises ValueError where there is none."""
        return int(self._ask("incr", key, delta, version=version))

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        """Return those that are stored."""
        found: Mapping[Any, Any] = self._ask("get_many", list(keys), version=version)
        return dict(found)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Return whether it is there."""
        return bool(self._ask("has_key", key, version=version))

    def clear(self) -> None:
        """Forget what this process keeps by itself: the Redis is the queue's too, and not ours to empty."""
        self._near.clear()
