"""One disk's landing: who may write to it now, and the session that does."""

import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from agents.hostagent.applied import AppliedBlocks
from agents.hostagent.channel import TlsChannel
from agents.hostagent.digest_file import DigestFile, Kept, OpenDigests
from agents.hostagent.engine import EngineGone, Export, RoundKey, StoreFull
from agents.hostagent.extents import allocated_extents
from agents.hostagent.handles import HandlePool
from agents.hostagent.saving import Saver
from agents.hostagent.wire import (
    ANSWER,
    FRAME_MAX,
    Answer,
    CompareFirst,
    Frame,
    FrameTorn,
    Hello,
    TransferRefused,
    TryLater,
    frame_decode,
)

WRITERS = 2
QUEUED_MAX = 24
"""Frames received and not yet written, per session: 24 MiB at most."""
POOLED_MIN = 1 << 18
CONNECTIONS_MAX = 32
TAKE_OVER_TIMEOUT_S = 30.0
ACKNOWLEDGE_AT = 4
FULL = 0
"""The number of a round that is not a bitmap's."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DiskLanding:
    """A disk that the source of (unit, generation) may write, through `export`."""

    unit: UUID
    generation: int
    machine: str
    disk: str
    export: Export
    size: int
    applied: Path
    digests: DigestFile
    session: "Session | None" = None
    closed: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)
    _comparing: TlsChannel | None = None

    @contextmanager
    def lead(self, channel: TlsChannel, hello: Hello) -> Iterator["Session"]:
        """A new session on its first connection; the one before has ended, with all that it received.

        Raises TryLater, TransferRefused, CompareFirst and EngineGone.
        """
        key = RoundKey(hello.lineage, hello.number)
        with self._taken():
            newest = AppliedBlocks.newest(self.applied)
            if newest is not None and key.lineage == newest.lineage and key.number < newest.number:
                raise TransferRefused("a later round has begun")
            self._lineage_check(key)
            session = Session(self, hello.session, key)
            if newest != key:
                session.applied.begin()
            self.session = session  # last: one that never runs would never end either
        with session.run(channel):
            yield session

    def join(self, hello: Hello) -> "Session":
        """The session that runs, for a further connection. Raises TryLater."""
        session = self.session
        if session is None or session.name != hello.session:
            raise TryLater("that session is not the one that runs")
        return session

    @contextmanager
    def comparing(self, channel: TlsChannel, hello: Hello) -> Iterator[None]:
        """Nobody writes; afterwards the digests on file are the disk's, and of the asking lineage.

        Whoever wants the turn ends it: a peer that does not read would keep it for hours.
        """
        with self._taken():
            self._comparing = channel
            try:
                if self.closed:  # by somebody who saw nothing to end yet
                    raise TryLater("the landing is closed")
                self.digests.forget()
                self.applied.unlink(missing_ok=True)
                yield
            finally:
                self._comparing = None
            self.digests.keep(Kept(hello.lineage, compared=True))

    def close(self) -> None:
        """Let nobody write any more; what was received is written when this returns.

        Raises EngineGone while the disk still takes its time with what it was given: ask again.
        """
        self.closed = True
        self._comparing_end()
        with self.turn:
            try:
                self._session_end()
            except TryLater as error:
                raise EngineGone(f"the disk {self.disk} hangs: {error}") from error

    @contextmanager
    def _taken(self) -> Iterator[None]:
        self._comparing_end()
        with self.turn:
            if self.closed:
                raise TryLater("the landing is closed")
            self._session_end()
            yield

    def _comparing_end(self) -> None:
        if (channel := self._comparing) is not None:
            channel.close()

    def _session_end(self) -> None:
        if self.session is not None:
            self.session.end()

    def _lineage_check(self, key: RoundKey) -> None:
        kept = self.digests.kept
        if kept is not None and kept.lineage == key.lineage:
            return
        if key.number != FULL or allocated_extents(self.export):
            raise CompareFirst("the destination's disk holds something else than this lineage left there")
        self.digests.blank()
        self.digests.keep(Kept(key.lineage, compared=False))


class Session:
    """One session's frames on their way to the disk, from all of its connections."""

    def __init__(self, landing: DiskLanding, name: bytes, key: RoundKey) -> None:
        self.name = name
        self.size = landing.size
        self.applied = AppliedBlocks(landing.applied, key=key, disk_size=landing.size)
        self._landing = landing
        self._channels: dict[TlsChannel, _Acknowledged] = {}
        self._changed = threading.Condition()
        self._open = True
        self._given_up = False
        """Somebody waited in vain for its end: of what is queued nothing more may reach the disk."""
        self._over = threading.Event()
        self._queued = threading.BoundedSemaphore(QUEUED_MAX)
        self._handles: HandlePool
        self._digests: OpenDigests
        self._pool: ThreadPoolExecutor
        self._failure: Exception | None = None
        self._saver: Saver
        self._buffers: queue.SimpleQueue[bytearray] = queue.SimpleQueue()

    @contextmanager
    def run(self, channel: TlsChannel) -> Iterator[None]:
        """The session's life, that of its first connection; at its end all is written and saved."""
        try:
            with ExitStack() as stack:
                handles = HandlePool.shortest(self._landing.export, WRITERS + 1, writable=True)
                self._handles = stack.enter_context(handles)
                self._digests = stack.enter_context(self._landing.digests.open())
                self._saver = Saver(
                    handles=self._handles,
                    digests=self._digests,
                    applied=self.applied,
                    rested=self._buffers_drop,
                    failed=self._fail,
                )
                stack.enter_context(self._saver.running())
                self._pool = stack.enter_context(ThreadPoolExecutor(WRITERS, "landing-write"))
                stack.callback(self._others_end)
                with self.connected(channel, leads=True):
                    yield
        finally:
            self._others_end()
            self._landing.session = None
            self._over.set()
        if self._failure is not None:
            raise self._failure

    @contextmanager
    def connected(self, channel: TlsChannel, *, leads: bool = False) -> Iterator[None]:
        """One more connection. Raises TryLater while its first one is not there, and at its end."""
        with self._changed:
            if not self._open or len(self._channels) >= CONNECTIONS_MAX or not (leads or self._channels):
                raise TryLater("the session takes no more connections")
            self._channels[channel] = _Acknowledged(channel)
        try:
            yield
        finally:
            with self._changed:
                del self._channels[channel]
                self._changed.notify_all()

    def end(self) -> None:
        """End all connections; returns when what they received is written. Raises TryLater."""
        self._close_all()
        if not self._over.wait(TAKE_OVER_TIMEOUT_S):
            self._given_up = True
            raise TryLater("an older session still writes")

    def take(self, channel: TlsChannel, frame: Frame) -> None:
        """Receive a frame's payload and queue it to be written; waits while too many are.

        Raises OSError when the connection is gone, and what writing raised.
        """
        buffer = self._buffer(frame.payload)
        channel.receive_into(memoryview(buffer)[: frame.payload])
        self._queued.acquire()
        if self._failure is not None:
            self._queued.release()
            raise self._failure
        acknowledged = self._channels[channel]
        acknowledged.received()
        self._pool.submit(self._write, acknowledged, frame, buffer)

    def flush(self) -> bytes:
        """Wait for all frames, have them durable; the root of the digests. Raises what writing raised."""
        for _ in range(QUEUED_MAX):
            self._queued.acquire()
        for _ in range(QUEUED_MAX):
            self._queued.release()
        if self._failure is not None:
            raise self._failure
        self._saver.flush()
        return self._landing.digests.root

    def _buffer(self, length: int) -> bytearray:
        """Room for a payload: small ones their own, as rounds of them are short; large ones a used one."""
        if length < POOLED_MIN:
            return bytearray(length)
        try:
            return self._buffers.get_nowait()
        except queue.Empty:
            return bytearray(FRAME_MAX)

    def _buffers_drop(self) -> None:
        """Give back what a session that rests keeps: a host may have hundreds of them."""
        with suppress(queue.Empty):
            while True:
                self._buffers.get_nowait()

    def _write(self, acknowledged: "_Acknowledged", frame: Frame, buffer: bytearray) -> None:
        try:
            content, blocks = frame_decode(frame, memoryview(buffer)[: frame.payload])
            with self._handles.borrow() as handle:
                if self._given_up:
                    return
                if content is None:
                    handle.zero(frame.length, frame.offset)
                else:
                    handle.pwrite(content, frame.offset)
            self._digests.put(frame.offset, blocks)
            self.applied.mark(frame.offset, frame.length)
            self._saver.written()
            acknowledged.written()
        except FrameTorn as error:
            # At once: the peer may be waiting for this frame's answer, and our reader for its next frame.
            answer_reason(acknowledged.channel, Answer.TORN, error)
            acknowledged.channel.close()
        except (EngineGone, StoreFull) as error:
            self._fail(error)
        except OSError:
            acknowledged.channel.close()  # the peer went away: the frame is written and counts
        except Exception as error:
            self._fail(error)
            raise
        finally:
            if len(buffer) == FRAME_MAX:
                self._buffers.put(buffer)
            self._queued.release()

    def _fail(self, error: Exception) -> None:
        """Tell the peer why, and end: the reader would wait for its next frame for ever."""
        first, self._failure = self._failure is None, self._failure or error
        if first:
            with self._changed:
                lead = next(iter(self._channels), None)
            if lead is not None:
                answer_error(lead, error)
            self._close_all()

    def _others_end(self) -> None:
        self._close_all()
        with self._changed:
            self._changed.wait_for(lambda: not self._channels)

    def _close_all(self) -> None:
        with self._changed:
            self._open = False
            for channel in self._channels:
                channel.close()


class _Acknowledged:
    """What one connection has been told of its frames; several are told of at once."""

    def __init__(self, channel: TlsChannel) -> None:
        self.channel = channel
        self._lock = threading.Lock()
        self._queued = 0
        self._untold = 0

    def received(self) -> None:
        """One more frame is on its way to the disk."""
        with self._lock:
            self._queued += 1

    def written(self) -> None:
        """One of them is there."""
        with self._lock:
            self._queued -= 1
            self._untold += 1
            if self._queued and self._untold < ACKNOWLEDGE_AT:
                return
            count, self._untold = self._untold, 0
        self.channel.send([ANSWER.pack(Answer.APPLIED, count)])


def answer_reason(channel: TlsChannel, answer: Answer, error: Exception) -> None:
    """Tell the peer what became of its transfer, if it still listens."""
    reason = str(error).encode()[:500]
    with suppress(OSError):
        channel.send([ANSWER.pack(answer, len(reason)), reason])


def answer_error(channel: TlsChannel, error: Exception) -> None:
    """The answer that fits an exception."""
    for kind, answer in _ANSWERS.items():
        if isinstance(error, kind):
            answer_reason(channel, answer, error)
            return


_ANSWERS: dict[type[Exception], Answer] = {
    FrameTorn: Answer.TORN,
    TryLater: Answer.LATER,
    EngineGone: Answer.LATER,
    CompareFirst: Answer.RESYNC,
    StoreFull: Answer.FULL,
    TransferRefused: Answer.REFUSED,
}
