"""Whether this host reaches another agent's receiver: told before anything is made there."""

import asyncio
import time
from contextlib import suppress

PATIENCE_S = 15.0
"""How long a path may be away, so that a short cut of the line is no finding."""
CONNECT_S = 5.0
PAUSE_S = 1.0


class PathClosed(ConnectionError):
    """Nobody answers at the address, for the reason that the host's network gives."""


async def path_prove(address: str, *, patience_s: float = PATIENCE_S) -> None:
    """Return when somebody answers at host:port; raises PathClosed. Nothing is sent there."""
    host, _, port = address.rpartition(":")
    ends_at = time.monotonic() + patience_s
    while True:
        try:
            await _knock(host.strip("[]"), int(port))
        except (OSError, ValueError, OverflowError) as error:
            if time.monotonic() + PAUSE_S >= ends_at:
                raise PathClosed(f"{address}: {str(error) or 'no answer'}") from error
            await asyncio.sleep(PAUSE_S)
        else:
            return


async def _knock(host: str, port: int) -> None:
    async with asyncio.timeout(CONNECT_S):
        _, writer = await asyncio.open_connection(host, port)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
