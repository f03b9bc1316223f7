"""One attempt at a round: frames over as many connections as help, and what the destination says of them."""

import collections
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from agents.hostagent.channel import TlsChannel
from agents.hostagent.digest_file import OpenDigests
from agents.hostagent.engine import Export
from agents.hostagent.extents import Extent
from agents.hostagent.handles import HandlePool
from agents.hostagent.throttle import TokenBucket
from agents.hostagent.wire import (
    ANSWER,
    END,
    FRAME_MAX,
    REASON_MAX,
    REASONED,
    Answer,
    CompareFirst,
    DestinationFull,
    Encoded,
    FrameTorn,
    TransferRefused,
    TryLater,
    frame_encode,
)

ENCODERS = 2
READ_AHEAD = 6
HURRY_RATE = 150e6
"""Bytes per second on the wire: a line that carries more than 1 Gbit/s waits for the processor."""
WINDOW_MIN, WINDOW_MAX = 4, 64
"""Frames sent and not yet applied: 64 MiB fill 10 Gbit/s at 40 ms."""
WINDOW_SHARE = 16
"""A cut costs at most one window again, so a short round gets a window of a sixteenth of it."""
WINDOW_BATCHES = 4
"""Small frames go in batches, so many to a window: some are sent while others are applied."""
GROW_EVERY_S = 1.0
GROWS = 1.2
"""More connections are worth having while they carry so much more than half as many did."""
LONG_RTT_S = 0.002
"""On a shorter line one connection is enough: what limits it is not the line."""
ROOT = 32
LAST_WORDS_S = 1.0
POLL_S = 0.01

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Carried:
    """What moving one disk's round takes, in bytes: `content` and `wire` with repeats after a cut included.

    `connections` is the most at one time; `cuts` how often it began again.
    """

    planned: int = 0
    content: int = 0
    wire: int = 0
    connections: int = 0
    cuts: int = 0
    source_root: str = ""
    destination_root: str = ""


class Growth:
    """Says how many connections to have: twice as many, as long as that pays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._best = 0.0
        self._settled = False

    def wanted(self, *, rate: float, connections: int, rtt: float) -> int:
        """How many there should be, after so many have carried `rate` bytes per second."""
        if self._settled or rtt < LONG_RTT_S or connections >= self._most:
            return connections
        if rate < self._best * GROWS:
            self._settled = True
            return connections
        self._best = rate
        return min(connections * 2, self._most)


class Sending:
    """One session: encoders read ahead, each connection has a thread that sends and one that hears."""

    def __init__(
        self,
        *,
        connect: Callable[[], TlsChannel],
        bucket: TokenBucket,
        digests: OpenDigests,
        carried: Carried,
        most: int,
    ) -> None:
        self._connect = connect
        self._bucket = bucket
        self._digests = digests
        self._carried = carried
        self._growth = Growth(most)
        self._window = WINDOW_MIN
        self._unapplied = 0
        self._busy = 0
        self._root: bytes | None = None
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        self._channels: list[TlsChannel] = []
        self._threads: list[threading.Thread] = []
        self._hearing: list[threading.Thread] = []
        self._told = False
        self._ending = False

    def run(self, lead: TlsChannel, source: Export, todo: Sequence[Extent]) -> bytes:
        """Send all of it and wait for the flush; the destination's root.

        Raises OSError when cut, EngineGone, and what the destination answers.
        """
        self._window = max(WINDOW_MIN, min(WINDOW_MAX, len(todo) // WINDOW_SHARE))
        try:
            self._run(lead, source, todo)
        except OSError as error:
            raise self._failure or error from error
        return self._root or b""

    def _run(self, lead: TlsChannel, source: Export, todo: Sequence[Extent]) -> None:
        with ExitStack() as stack:
            stack.callback(self._end)
            handles = stack.enter_context(HandlePool.shortest(source, ENCODERS, writable=False))
            pool = stack.enter_context(ThreadPoolExecutor(ENCODERS, "mover-encode"))
            stack.callback(self._last_words)
            feed = _Feed(pool, handles, batches(todo, self._window))
            self._connection_start(lead, feed)
            self._sent_wait(feed)
            self._ending = True
            self._count(lead.send([END.pack()]))
            self._wait(lambda: self._root is not None)

    def stop(self) -> None:
        """End all connections; `run` raises OSError unless it was over."""
        for channel in self._channels:
            channel.close()

    def _sent_wait(self, feed: "_Feed") -> None:
        """Wait until all is applied; meanwhile have as many connections as help."""
        before, since = self._carried.wire, time.monotonic()
        while not self._wait(lambda: self._busy == 0 and self._unapplied == 0, GROW_EVERY_S):
            now = time.monotonic()
            rate = (self._carried.wire - before) / (now - since)
            before, since = self._carried.wire, now
            feed.hurry = rate > HURRY_RATE
            have = len(self._channels)
            for _ in range(self._growth.wanted(rate=rate, connections=have, rtt=self._rtt()) - have):
                try:
                    self._connection_start(self._connect(), feed)
                except (OSError, TransferRefused) as error:
                    log.info("no further connection: %s", error)
                    break

    def _rtt(self) -> float:
        try:
            return self._channels[0].rtt
        except OSError:
            return 0.0  # it was cut, which its own threads report

    def _connection_start(self, channel: TlsChannel, feed: "_Feed") -> None:
        self._channels.append(channel)
        self._carried.connections = max(self._carried.connections, len(self._channels))
        with self._changed:
            self._busy += 1
        hearing = threading.Thread(target=self._hear, args=(channel,), name="mover-hear")
        sending = threading.Thread(target=self._send_all, args=(channel, feed), name="mover-send")
        self._hearing.append(hearing)
        self._threads += [hearing, sending]
        hearing.start()
        sending.start()

    def _send_all(self, channel: TlsChannel, feed: "_Feed") -> None:
        try:
            while batch := feed.take():
                self._send(channel, batch)
        except Exception as error:
            self._fail(error)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _send(self, channel: TlsChannel, batch: Sequence[Encoded]) -> None:
        self._wait(lambda: self._unapplied + len(batch) <= self._window)
        with self._changed:
            self._unapplied += len(batch)
            # Before it is sent: half a frame is a frame to be sent again.
            self._carried.content += sum(encoded.frame.length for encoded in batch)
        for encoded in batch:
            self._digests.put(encoded.frame.offset, encoded.blocks)
        parts = [part for encoded in batch for part in (encoded.frame.pack(), encoded.payload)]
        self._count(channel.send(parts, self._bucket))

    def _count(self, wire: int) -> None:
        with self._changed:
            self._carried.wire += wire

    def _wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: ready() or self._failure is not None, timeout)
            if self._failure is not None:
                raise self._failure
            return ready()

    def _hear(self, channel: TlsChannel) -> None:
        try:
            while self._root is None:
                answer, count = answer_read(channel)
                root = bytes(channel.receive(ROOT)) if answer is Answer.FLUSHED else None
                with self._changed:
                    self._unapplied -= count if answer is Answer.APPLIED else 0
                    self._root = self._root or root
                    if root or self._unapplied < self._window:
                        self._changed.notify_all()
        except Exception as error:
            # The others end as soon as the first has its answer, and may be seen to end before it.
            if not self._ending or (self._root is None and channel is self._channels[0]):
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Keep the first failure, but rather what the peer told than what a closed socket says."""
        told = not isinstance(error, OSError) or isinstance(error, FrameTorn | TryLater)
        with self._changed:
            if self._failure is None or (told and not self._told):
                self._failure, self._told = error, told
            self._changed.notify_all()
        if told:
            self.stop()

    def _last_words(self) -> None:
        """Hear what the peer said before it hung up: a socket tells only that it did."""
        until = time.monotonic() + LAST_WORDS_S
        while self._failure is not None and not self._told and time.monotonic() < until:
            if not any(thread.is_alive() for thread in self._hearing):
                break
            time.sleep(POLL_S)
        self.stop()

    def _end(self) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()


class _Feed:
    """Batches of encoded frames for whichever connection takes them, while a pool works on the next ones."""

    def __init__(self, pool: ThreadPoolExecutor, handles: HandlePool, todo: Iterable[list[Extent]]) -> None:
        self._pool = pool
        self._handles = handles
        self._todo = iter(todo)
        self._ahead: collections.deque[Future[list[Encoded]]] = collections.deque()
        self._lock = threading.Lock()
        self.hurry = False

    def take(self) -> list[Encoded]:
        """The next frames; none when there are no more. Raises EngineGone."""
        with self._lock:
            while len(self._ahead) < READ_AHEAD and (extents := next(self._todo, None)) is not None:
                self._ahead.append(self._pool.submit(self._read_and_encode, extents))
            if not self._ahead:
                return []
            future = self._ahead.popleft()
        return future.result()

    def _read_and_encode(self, extents: Sequence[Extent]) -> list[Encoded]:
        with self._handles.borrow() as handle:
            read = [(extent.offset, handle.pread(extent.length, extent.offset)) for extent in extents]
        return [frame_encode(offset, content, hurry=self.hurry) for offset, content in read]


def batches(extents: Iterable[Extent], window: int) -> Iterator[list[Extent]]:
    """The extents in order, so many at a time that a few batches fill a window; at most a frame's most bytes.

    Each hand-over costs as much as a small frame.
    """
    most = max(1, window // WINDOW_BATCHES)
    batch: list[Extent] = []
    length = 0
    for extent in extents:
        if batch and (length + extent.length > FRAME_MAX or len(batch) >= most):
            yield batch
            batch, length = [], 0
        batch.append(extent)
        length += extent.length
    if batch:
        yield batch


def answer_read(channel: TlsChannel) -> tuple[Answer, int]:
    """One answer. Raises OSError, TransferRefused, CompareFirst and DestinationFull."""
    code, count = ANSWER.unpack(channel.receive(ANSWER.size))
    if code not in tuple(Answer):
        raise ConnectionError(f"unknown answer {code}")
    answer = Answer(code)
    if answer in REASONED:
        raise _REASONS[answer](channel.receive(min(count, REASON_MAX)).decode(errors="replace"))
    return answer, count


_REASONS: dict[Answer, type[Exception]] = {
    Answer.TORN: FrameTorn,
    Answer.LATER: TryLater,
    Answer.REFUSED: TransferRefused,
    Answer.RESYNC: CompareFirst,
    Answer.FULL: DestinationFull,
}
