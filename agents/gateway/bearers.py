"""Who is calling: sessions signed with the agent's key, bearers by hash, a cache that forgets in seconds."""

import hashlib
import secrets
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agents.domain.agent import AgentState
from agents.domain.protocol import BEARER_LIFETIME_S, session_digest
from agents.gateway.problems import BEARER_WRONG, CLOCK, REVOKED, TOO_MANY, UNKNOWN
from agents.gateway.store import Known, Store
from portal.lib.keys import signature_holds

CACHE_S = 5.0
"""How long a revocation may go unnoticed when Redis, which tells of it at once, is gone."""
CLOCK_MAX_S = 300
NONCES_MAX = 100_000
RATE = 50.0
BURST = 100.0


class Bearers:
    """Sessions and bearers of all agents that speak to this gateway."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: dict[bytes, tuple[Known, float]] = {}
        self._nonces: OrderedDict[str, float] = OrderedDict()
        self._allowances: dict[UUID, tuple[float, float]] = {}

    async def session(self, *, agent_id: UUID, at: int, nonce: str, signature: bytes) -> tuple[str, datetime]:
        """Return a fresh bearer for whoever proves to be the agent. Raises Problem."""
        agent = await self._store.agent_by_id(agent_id)
        digest = session_digest(agent_id=agent_id, at=at, nonce=nonce)
        if agent is None or not signature_holds(bytes(agent.signing_key), signature, digest):
            raise UNKNOWN
        if agent.state == AgentState.REVOKED:
            raise REVOKED
        if abs(time.time() - at) > CLOCK_MAX_S:
            raise CLOCK
        self._nonce_spend(f"{agent_id}/{nonce}")
        bearer = secrets.token_urlsafe(32)
        expires = datetime.now(UTC) + timedelta(seconds=BEARER_LIFETIME_S)
        if not await self._store.bearer_set(agent, _hash(bearer), expires):
            raise REVOKED
        self.forget(agent_id)
        return bearer, expires

    async def agent(self, authorization: bytes) -> Known:
        """Return the agent that the header names. Raises Problem."""
        scheme, _, bearer = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise BEARER_WRONG
        hash_ = _hash(bearer)
        cached = self._cache.get(hash_)
        if cached is None or cached[1] < time.monotonic():
            known = await self._store.agent_by_bearer(hash_)
            if known is None or known.state != AgentState.ENROLLED:
                self._cache.pop(hash_, None)
                raise BEARER_WRONG
            cached = (known, time.monotonic() + CACHE_S)
            self._cache[hash_] = cached
        known = cached[0]
        if known.expires is None or known.expires <= datetime.now(UTC):
            raise BEARER_WRONG
        self._rate_check(known.id)
        return known

    def forget(self, agent_id: UUID) -> None:
        """Look the agent up anew at its next call."""
        for hash_ in [hash_ for hash_, (known, _) in self._cache.items() if known.id == agent_id]:
            del self._cache[hash_]

    def _nonce_spend(self, nonce: str) -> None:
        """Refuse a nonce that was seen within the time in which its signature counts."""
        now = time.monotonic()
        while self._nonces and (len(self._nonces) > NONCES_MAX or next(iter(self._nonces.values())) < now):
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise UNKNOWN
        self._nonces[nonce] = now + 2 * CLOCK_MAX_S

    def _rate_check(self, agent_id: UUID) -> None:
        now = time.monotonic()
        allowance, since = self._allowances.get(agent_id, (BURST, now))
        allowance = min(BURST, allowance + (now - since) * RATE) - 1
        if allowance < 0:
            raise TOO_MANY
        self._allowances[agent_id] = (allowance, now)


def _hash(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()
