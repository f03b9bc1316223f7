"""Who is calling: sessions signed with the agent's key, bearers by hash, a memory that forgets in seconds.

A bearer is looked up once. That it may be trusted afterwards is the sweep's work: every two seconds it asks
which agents have been revoked, so that a revocation counts at once by Redis and in seconds without it. When
the sweep gets no answer, nothing that is remembered counts.
"""

import hashlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agents.domain.agent import AgentState
from agents.domain.protocol import BEARER_LIFETIME_S, session_digest
from agents.gateway.problems import BEARER_WRONG, CLOCK, REVOKED, TOO_MANY, UNKNOWN, Problem
from agents.gateway.store import Known, Store
from portal.lib.keys import signature_holds

SWEEP_S = 2.0
TRUST_S = 5.0
"""How long what is remembered counts after the last sweep that got an answer."""
OVERLAP = timedelta(seconds=60)
"""A revocation is stamped before it is committed, by another clock: each sweep looks back so far."""
CLOCK_MAX_S = 300
SKEW_MS_MAX = 2**31 - 1
NONCES_MAX = 100_000
RATE = 50.0
BURST = 100.0

log = logging.getLogger(__name__)


class Bearers:
    """Sessions and bearers of all agents that speak to this gateway."""

    def __init__(self, store: Store, *, on_revoked: Callable[[UUID], None] = lambda _: None) -> None:
        self._store = store
        self._on_revoked = on_revoked
        self._known: dict[bytes, Known] = {}
        self._bearer_of: dict[UUID, bytes] = {}
        self._nonces: OrderedDict[str, float] = OrderedDict()
        self._allowances: dict[UUID, tuple[float, float]] = {}
        self._swept = -TRUST_S
        self._swept_at = datetime.now(UTC)

    async def session(self, *, agent_id: UUID, at: int, nonce: str, signature: bytes) -> tuple[str, datetime]:
        """Return a fresh bearer for whoever proves to be the agent. Raises Problem."""
        agent = await self._store.agent_by_id(agent_id)
        digest = session_digest(agent_id=agent_id, at=at, nonce=nonce)
        if agent is None or not signature_holds(bytes(agent.signing_key), signature, digest):
            raise Problem(UNKNOWN)
        if agent.state == AgentState.REVOKED:
            raise Problem(REVOKED)
        skew_s = at - time.time()
        if abs(skew_s) > CLOCK_MAX_S:
            await self._store.skew_set(agent, max(-SKEW_MS_MAX, min(SKEW_MS_MAX, int(skew_s * 1000))))
            raise Problem(CLOCK)
        self._rate_check(agent_id)
        self._nonce_spend(f"{agent_id}/{nonce}")
        bearer = secrets.token_urlsafe(32)
        expires = datetime.now(UTC) + timedelta(seconds=BEARER_LIFETIME_S)
        if not await self._store.bearer_set(agent, _hash(bearer), expires):
            raise Problem(REVOKED)
        self._remember(_hash(bearer), replace(agent, expires=expires))
        return bearer, expires

    async def agent(self, authorization: bytes) -> Known:
        """Return the agent that the header names. Raises Problem."""
        scheme, _, bearer = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise Problem(BEARER_WRONG)
        hash_ = _hash(bearer)
        known = self._known.get(hash_) if self._trusted() else None
        if known is None:
            known = await self._store.agent_by_bearer(hash_)
            if known is None or known.state != AgentState.ENROLLED:
                raise Problem(BEARER_WRONG)
            self._remember(hash_, known)
        if known.expires is None or known.expires <= datetime.now(UTC):
            raise Problem(BEARER_WRONG)
        self._rate_check(known.id)
        return known

    async def still(self, agent: Known) -> None:
        """Return while the agent may be spoken to, however long ago it called. Raises Problem."""
        if self._trusted() and agent.id in self._bearer_of:
            return
        known = await self._store.agent_by_id(agent.id)
        if known is None or known.state != AgentState.ENROLLED:
            raise Problem(REVOKED)

    def forget(self, agent_id: UUID) -> None:
        """Look the agent up anew at its next call."""
        hash_ = self._bearer_of.pop(agent_id, None)
        if hash_ is not None:
            self._known.pop(hash_, None)

    async def sweep(self) -> None:
        """Forget who has been revoked, and what has run out. Raises what the store does."""
        began, at = time.monotonic(), datetime.now(UTC)
        for agent_id in await self._store.agents_revoked(self._swept_at - OVERLAP):
            if agent_id in self._bearer_of:
                self.forget(agent_id)
            self._on_revoked(agent_id)
        self._swept, self._swept_at = began, at
        for hash_, known in list(self._known.items()):
            if known.expires is None or known.expires <= at:
                self.forget(known.id)
                self._known.pop(hash_, None)
        full = began - BURST / RATE
        self._allowances = {id_: held for id_, held in self._allowances.items() if held[1] > full}

    def _trusted(self) -> bool:
        return time.monotonic() - self._swept < TRUST_S

    def _remember(self, hash_: bytes, known: Known) -> None:
        self.forget(known.id)
        self._known[hash_] = known
        self._bearer_of[known.id] = hash_

    def _nonce_spend(self, nonce: str) -> None:
        """Refuse a nonce that was seen within the time in which its signature counts."""
        now = time.monotonic()
        while self._nonces and (len(self._nonces) > NONCES_MAX or next(iter(self._nonces.values())) < now):
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise Problem(UNKNOWN)
        self._nonces[nonce] = now + 2 * CLOCK_MAX_S

    def _rate_check(self, agent_id: UUID) -> None:
        now = time.monotonic()
        allowance, since = self._allowances.get(agent_id, (BURST, now))
        allowance = min(BURST, allowance + (now - since) * RATE) - 1
        if allowance < 0:
            raise Problem(TOO_MANY)
        self._allowances[agent_id] = (allowance, now)


def _hash(bearer: str) -> bytes:
    return hashlib.sha256(bearer.encode()).digest()
