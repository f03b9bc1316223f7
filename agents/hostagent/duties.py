"""What an agent is there for: the steps of its duties, and what runs beside them."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from agents.domain.agent import Duty
from agents.domain.protocol import Step
from agents.hostagent import engine_qemu, engine_qsd
from agents.hostagent.connector import Connector
from agents.hostagent.destination import DestinationSteps
from agents.hostagent.executor import StepFunction
from agents.hostagent.host import Host
from agents.hostagent.identity import StateFolder, portal_key_load, private_write
from agents.hostagent.journal import Journal
from agents.hostagent.landings import Landings
from agents.hostagent.line import Line
from agents.hostagent.portal import Portal
from agents.hostagent.receiver import Receiver
from agents.hostagent.released import Released
from agents.hostagent.source import SourceSteps


class Duties:
    """The duties of one agent: `host`, `connector` or both."""

    def __init__(self, *, folder: StateFolder, journal: Journal, portal: Portal) -> None:
        settings = folder.settings()
        self._connector: Connector | None = None
        self._landings: Landings | None = None
        self._released: Released | None = None
        self.steps: dict[Step, StepFunction] = {}
        if Duty.CONNECTOR in settings.duties:
            self._connector = Connector(journal=journal, keys=folder.keys())
            self.steps |= self._connector.steps
        if Duty.HOST in settings.duties:
            host = Host(machines=Path(settings.machines), state=folder.path, journal=journal)
            receiver, address = _receiver_open(folder)
            fingerprint = folder.identity.fingerprint
            self._landings = Landings(host=host, receiver=receiver, address=address, fingerprint=fingerprint)
            self._released = Released(host)
            line = Line(host=host, identity=folder.identity, authority=folder.authority, portal=portal)
            self.steps |= SourceSteps(host, line).steps
            self.steps |= DestinationSteps(host, self._landings, self._released).steps

    @property
    def address(self) -> str:
        """Where its receiver is reached; empty when it has none."""
        return "" if self._landings is None else self._landings.address

    @property
    def engines(self) -> list[str]:
        """The engines it can command."""
        return [] if self._landings is None else [engine_qsd.NAME, engine_qemu.NAME]

    @property
    def is_quiet(self) -> bool:
        """Whether nobody sends anything here at this moment."""
        return self._landings is None or self._landings.is_quiet

    def restore(self) -> None:
        """Put in place again what was, when the agent ended."""
        if self._landings is not None:
            self._landings.restore()

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """What runs for as long as the agent does."""
        return [] if self._released is None else [self._released.watch()]

    async def stop(self) -> None:
        """End what runs; what is in place stays."""
        if self._connector is not None:
            await self._connector.close()
        if self._landings is not None:
            await self._landings.stop()


def _receiver_open(folder: StateFolder) -> tuple[Receiver, str]:
    """The receiver, on the port that it had before, and the address at which others reach it."""
    settings = folder.settings()
    host, _, port = settings.listen.rpartition(":")
    kept = folder.path / "port"
    wanted = int(port) or (int(kept.read_text()) if kept.exists() else 0)
    receiver = Receiver(
        identity=folder.identity,
        authority=folder.authority,
        portal_key=portal_key_load(settings.portal_key),
        host=host,
        port=wanted,
    )
    private_write(kept, str(receiver.port).encode())
    if not settings.advertise:
        return receiver, f"{host}:{receiver.port}"
    name, _, outside = settings.advertise.rpartition(":")
    return receiver, f"{name}:{int(outside) or receiver.port}"
