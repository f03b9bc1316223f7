"""The source's end of the line: movers for one command, with tickets that are renewed while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.hostagent.channel import Identity
from agents.hostagent.engine import Engine
from agents.hostagent.executor import Order
from agents.hostagent.landings import interim_ticket
from agents.hostagent.mover import Mover, Peer
from agents.hostagent.rounds import Round, delta_run, full_run
from agents.hostagent.throttle import TokenBucket


@dataclass(frozen=True, slots=True)
class LineRound(Round):
    """A round, with the transfer's digests of all disks at both ends, by disk name."""

    source_roots: Mapping[str, str] = field(default_factory=dict)
    destination_roots: Mapping[str, str] = field(default_factory=dict)


class Line:
    """Carries rounds to other agents."""

    def __init__(self, *, identity: Identity, authority: str) -> None:
        self._identity = identity
        self._authority = authority
        self._bucket = TokenBucket()

    async def round_run(self, order: Order, engine: Engine, stage: str) -> LineRound:
        """One round of what `stage` says."""
        host, _, port = order.body.peer.address.rpartition(":")
        peer = Peer(host, int(port), self._authority)
        movers = {
            disk.name: Mover(
                identity=self._identity,
                peer=peer,
                ticket=interim_ticket(order.body.machine, disk.name),
                bucket=self._bucket,
            )
            for disk in await engine.disks()
        }
        run = delta_run if stage == "delta" else full_run
        done = await run(engine=engine, carriers=movers)
        return LineRound(done.number, done.planned, done.content, done.wire, done.connections, done.took)
