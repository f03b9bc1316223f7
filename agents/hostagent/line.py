"""The source's end of the line: movers for one command, with tickets that are renewed while it runs."""

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from agents.domain.protocol import PeerShape, SyncProgress, Ticket
from agents.hostagent.barrier import barrier
from agents.hostagent.channel import Identity
from agents.hostagent.engine import Engine, ResyncNeeded
from agents.hostagent.executor import Order
from agents.hostagent.host import Host
from agents.hostagent.landings import attach_anew
from agents.hostagent.mover import Mover, Peer
from agents.hostagent.portal import Portal, PortalUnreachable
from agents.hostagent.rounds import Round, delta_run, full_run
from agents.hostagent.throttle import TokenBucket

RENEW_BEFORE_S = 60.0
RENEW_TIMEOUT_S = 20.0
PROGRESS_EVERY_S = 1.0
BEGUN_POLL_S = 0.01

LineRound = Round
"""A round, with the transfer's digests of all disks at both ends."""

log = logging.getLogger(__name__)


class Line:
    """Carries rounds to other agents."""

    def __init__(self, *, host: Host, identity: Identity, authority: str, portal: Portal) -> None:
        self._host = host
        self._identity = identity
        self._authority = authority
        self._portal = portal
        self._buckets: dict[int, TokenBucket] = {}

    async def round_run(self, order: Order, engine: Engine, stage: str) -> Round:
        """One round of what `stage` says; by digests where one end has lost its memory of the last one."""
        movers = {disk.name: self._mover(order, disk.name) for disk in await engine.disks()}
        with _progress(order, movers):
            if stage == "delta":
                try:
                    return await delta_run(engine=engine, carriers=movers)
                except ResyncNeeded as error:
                    log.warning("a round begins by digests: %s", error)
                    await engine.release()
                    await attach_anew(engine)
            return await full_run(engine=engine, carriers=movers)

    def _mover(self, order: Order, disk: str) -> Mover:
        peer: PeerShape = order.body.peer
        host, _, port = peer.address.rpartition(":")
        return Mover(
            identity=self._identity,
            peer=Peer(host, int(port), self._authority, peer.fingerprint),
            ticket=self._tickets(order, disk),
            bucket=self._bucket(getattr(order.body, "rate_limit", 0)),
            digests=self._host.own_folder(order.body.machine) / f"sent-{disk}",
        )

    def _bucket(self, limit: int) -> TokenBucket:
        """What holds a limit in bytes per second; 0 is none.

        A limit is a group's and a command names no group, so all rounds of one limit share it: no group gets
        more than its own, and none loses or changes another's.
        """
        return self._buckets.setdefault(limit, TokenBucket(float(limit) or None))

    def _tickets(self, order: Order, disk: str) -> Callable[[], bytes]:
        """What gives the mover's thread the command's own ticket, or a fresh one when that grows old."""
        loop = asyncio.get_running_loop()
        held: list[str] = [order.body.tickets.get(disk, "")]

        def supply() -> bytes:
            if _expires(held[0]) - time.time() < RENEW_BEFORE_S:
                asking = asyncio.run_coroutine_threadsafe(self._portal.ticket(order.command.id, disk), loop)
                try:
                    held[0] = asking.result(RENEW_TIMEOUT_S)
                except (PortalUnreachable, TimeoutError) as error:  # the old one may still do
                    log.warning("no fresh ticket for disk %s: %s", disk, error)
            return held[0].encode()

        return supply


@contextmanager
def _progress(order: Order, movers: Mapping[str, Mover]) -> Iterator[None]:
    """Report every second how far the round is."""

    async def report() -> None:
        while not any(mover.carried.content for mover in movers.values()):
            await asyncio.sleep(BEGUN_POLL_S)
        barrier(f"{order.step}.mid")
        before = 0
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            carried = [mover.carried for mover in movers.values()]
            content = sum(each.content for each in carried)
            order.progress(
                SyncProgress(
                    planned=sum(each.planned for each in carried),
                    content=content,
                    wire=sum(each.wire for each in carried),
                    rate=max(0, content - before) / PROGRESS_EVERY_S,
                    connections=sum(each.connections for each in carried),
                )
            )
            before = content

    reporting = asyncio.create_task(report(), name="progress")
    try:
        yield
    finally:
        reporting.cancel()


def _expires(sealed: str) -> float:
    """When a ticket expires, by its own word; 0 when it cannot be read."""
    content = sealed.partition(".")[0]
    try:
        signed = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
        return float(msgspec.json.decode(signed, type=Ticket).expires)
    except (ValueError, msgspec.MsgspecError):
        return 0.0
