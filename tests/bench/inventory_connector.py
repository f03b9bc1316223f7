"""A connector at work without a gateway: what it would send goes, signed, to the applier's socket.

Its orders come as one JSON object on stdin; it says on stdout when it began and when it had a whole sync to
send. The journal is on disk and the vCenter in a child of its own, as on a host.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from agents.domain.protocol import InventoryKind, report_digest
from agents.hostagent.connector import Connector
from agents.hostagent.executor import Executor
from agents.hostagent.identity import Keys, StateFolder
from agents.hostagent.journal import Journal, Report
from tests.bench.inventory_shapes import Orders, Told, say

REPORTS_MAX = 50


class Sender:
    """Takes what waits in the journal to the applier."""

    def __init__(self, orders: Orders, keys: Keys, journal: Journal) -> None:
        self._orders = orders
        self._keys = keys
        self._journal = journal
        self.news = asyncio.Event()

    async def run(self) -> None:
        """Send for ever."""
        _, writer = await asyncio.open_unix_connection(self._orders.socket)
        while True:
            self.news.clear()
            while batch := self._journal.unsent(REPORTS_MAX):
                await asyncio.to_thread(self._journal.settle)
                for report in batch:
                    writer.write(msgspec.json.encode(self._signed(report)) + b"\n")
                    await writer.drain()
                    if report.body.get("kind") == InventoryKind.SYNCED:
                        say("synced")
                self._journal.sent(batch)
            await self.news.wait()

    def _signed(self, report: Report) -> Told:
        digest = report_digest(
            agent_id=self._orders.agent,
            command_id=report.command_id,
            number=report.number,
            kind=report.kind,
            body=report.body,
        )
        return Told(
            command=report.command_id,
            number=report.number,
            kind=report.kind,
            body=report.body,
            signature=self._keys.sign(digest),
        )


async def work(orders: Orders) -> None:
    """Watch until killed."""
    keys = StateFolder(Path(orders.state)).keys()
    journal = Journal(Path(orders.journal))
    connector = Connector(journal=journal, keys=keys)
    sender = Sender(orders, keys, journal)
    executor = Executor(journal=journal, steps=connector.steps, wake=sender.news.set)
    say("began")
    executor.submit(orders.command)
    await sender.run()


if __name__ == "__main__":
    asyncio.run(work(msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)))
