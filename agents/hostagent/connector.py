"""The duty of a connector: vSphere's steps, each asked of its vCenter's own process."""

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from agents.domain.protocol import Endpoint, Failed, Failure, InventoryKind, Step
from agents.domain.sealing import unseal
from agents.domain.site import SiteState
from agents.hostagent.executor import Order, StepFunction
from agents.hostagent.identity import Keys
from agents.hostagent.journal import Journal
from agents.hostagent.vcenter_process import VCenterFailed, VCenterProcess
from agents.hostagent.vcenter_question import Question

SILENCE_S = 45.0
SILENCE_LONG_S = 150.0
"""For steps that are one long task of the vCenter's."""
LONG = frozenset({Step.CREATE_MACHINE, Step.REMOVE_MACHINE})
UNSENT_MAX = 32
"""Inventory reports that may wait for the portal; then the vCenter's process waits in turn."""
ROOM_POLL_S = 0.2
RETRY_S = (2.0, 5.0, 15.0, 30.0)
STOOD_S = 120.0
"""Longer than any attempt that fails."""

STATES: Mapping[Failure, SiteState] = {
    Failure.VCENTER_HUNG: SiteState.HUNG,
    Failure.CREDENTIALS_REFUSED: SiteState.CREDENTIALS_REFUSED,
    Failure.CERTIFICATE_CHANGED: SiteState.CERTIFICATE_CHANGED,
    Failure.CERTIFICATE_UNKNOWN: SiteState.CERTIFICATE_UNKNOWN,
}
PERSON_NEEDED = frozenset(
    {Failure.CREDENTIALS_REFUSED, Failure.CERTIFICATE_CHANGED, Failure.CERTIFICATE_UNKNOWN}
)

log = logging.getLogger(__name__)


class _Refused(msgspec.Struct, frozen=True):
    """Credentials that a vCenter has refused: a mark of them, and the watch's generation at that time."""

    mark: str
    generation: int


class Connector:
    """Speaks to vCenters for the portal; a process each for watching and for everything else."""

    def __init__(self, *, journal: Journal, keys: Keys, silence_s: float = SILENCE_S) -> None:
        self._journal = journal
        self._key = keys.sealing.private_bytes_raw()
        self._silence_s = silence_s
        self._processes: dict[tuple[UUID, bool], VCenterProcess] = {}

    @property
    def steps(self) -> Mapping[Step, StepFunction]:
        """What a connector can be told to do."""
        asked = (Step.CREATE_MACHINE, Step.SHUT_DOWN, Step.POWER_OFF, Step.POWER_ON, Step.REMOVE_MACHINE)
        return {Step.WATCH_INVENTORY: self._watch, **dict.fromkeys(asked, self._do)}

    async def close(self) -> None:
        """End all vCenters' processes."""
        for process in self._processes.values():
            await process.close()

    async def _do(self, order: Order) -> dict[str, Any]:
        question = self._question(order)
        self._refuse_again(order, question)
        silence = max(self._silence_s, SILENCE_LONG_S) if order.step in LONG else self._silence_s
        try:
            return await self._process(order.body.endpoint, watch=False).ask(question, silence_s=silence)
        except VCenterFailed as error:
            self._remember(order, question, error.failed)
            raise
        except ConnectionResetError as error:
            raise VCenterFailed(_ended()) from error

    async def _watch(self, order: Order) -> dict[str, Any]:
        """Watch until superseded; what stands in the way is reported as the site's state."""
        failures = 0
        self._state(order, SiteState.CONNECTING)
        while True:
            begun = time.monotonic()
            try:
                await self._watch_once(order)
            except VCenterFailed as error:
                failed, fingerprint = error.failed, error.fingerprint
            except ConnectionResetError:
                failed, fingerprint = _ended(), ""
            log.warning("site %s: %s (%s)", order.body.endpoint.site, failed.what, failed.why)
            state = STATES.get(failed.code, SiteState.UNREACHABLE)
            self._state(order, state, reason=f"{failed.what} {failed.why}", fingerprint=fingerprint)
            if failed.code in PERSON_NEEDED:
                await asyncio.Event().wait()  # a person's answer comes as a new generation
            # One that stood for a while begins anew; until another does, the site's state is what failed.
            failures = 1 if time.monotonic() - begun > STOOD_S else failures + 1
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S)) - 1])

    async def _watch_once(self, order: Order) -> None:
        question = self._question(order)
        self._refuse_again(order, question)

        async def said(body: dict[str, Any]) -> None:
            order.progress(body, bulk=True)
            while self._journal.unsent_count(order.command.id) > UNSENT_MAX:
                await asyncio.sleep(ROOM_POLL_S)

        process = self._process(order.body.endpoint, watch=True)
        try:
            await process.ask(question, silence_s=self._silence_s, said=said)
        except VCenterFailed as error:
            self._remember(order, question, error.failed)
            raise

    def _state(self, order: Order, state: SiteState, *, reason: str = "", fingerprint: str = "") -> None:
        body = {"kind": InventoryKind.STATE, "state": state, "reason": reason, "fingerprint": fingerprint}
        order.progress({**body, "about": {}}, bulk=True)

    def _process(self, endpoint: Endpoint, *, watch: bool) -> VCenterProcess:
        return self._processes.setdefault((endpoint.site, watch), VCenterProcess())

    def _endpoint(self, order: Order) -> Endpoint:
        """The order's vCenter; a tenant's order names the provider's by its site, the watch told the rest."""
        endpoint: Endpoint = order.body.endpoint
        place = f"endpoint:{endpoint.site}"
        if endpoint.host:
            if order.step is Step.WATCH_INVENTORY:
                self._journal.place_set(place, msgspec.json.encode(endpoint))
            return endpoint
        kept = self._journal.place_get(place)
        if kept is None:
            raise VCenterFailed(_SITE_UNKNOWN)
        return msgspec.json.decode(kept, type=Endpoint)

    def _question(self, order: Order) -> Question:
        endpoint = self._endpoint(order)
        password = unseal(self._key, base64.b64decode(endpoint.sealed_password)).decode()
        return Question(
            step=order.step,
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.username,
            password=password,
            fingerprint=endpoint.fingerprint,
            body=order.command.body,
        )

    # -- refused credentials: a second attempt could lock the account ---------------------------

    def _mark(self, question: Question) -> str:
        named = "\0".join((question.host, str(question.port), question.user, question.password))
        return hmac.new(self._key, named.encode(), hashlib.sha256).hexdigest()

    def _refuse_again(self, order: Order, question: Question) -> None:
        """Raise what the vCenter said to these credentials before; a newer watch may try once more."""
        kept = self._journal.place_get(_place(order))
        if kept is None:
            return
        refused = msgspec.json.decode(kept, type=_Refused)
        newer = order.step is Step.WATCH_INVENTORY and order.command.generation > refused.generation
        if refused.mark == self._mark(question) and not newer:
            raise VCenterFailed(_REFUSED_BEFORE)

    def _remember(self, order: Order, question: Question, failed: Failed) -> None:
        if failed.code is Failure.CREDENTIALS_REFUSED and failed is not _REFUSED_BEFORE:
            generation = order.command.generation if order.step is Step.WATCH_INVENTORY else 0
            refused = _Refused(self._mark(question), generation)
            self._journal.place_set(_place(order), msgspec.json.encode(refused))


_SITE_UNKNOWN = Failed(
    code=Failure.SITE_UNKNOWN,
    what="This connector does not know the site's vCenter yet.",
    why="The site's watch has not reached it.",
    remedy="Wait for the site to connect, or look at its page.",
)

_REFUSED_BEFORE = Failed(
    code=Failure.CREDENTIALS_REFUSED,
    what="The vCenter has refused this user and password before.",
    why="They were not tried again, as accounts get locked.",
    remedy="Enter the site's user and password again.",
    retry=False,
)


def _place(order: Order) -> str:
    return f"vcenter:{order.body.endpoint.site}"


def _ended() -> Failed:
    return Failed(
        code=Failure.VCENTER_UNREACHABLE,
        what="The connector's process for this vCenter ended.",
        why="It was killed, or ran out of memory.",
        remedy="Nothing to do: it is started again.",
    )
