"""A landing's session: what it calls saved is on the disk, and what ends it ends."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from agents.hostagent.applied import AppliedBlocks
from agents.hostagent.channel import TlsChannel
from agents.hostagent.digest_file import DigestFile, Kept
from agents.hostagent.engine import EngineGone, Export, RoundKey
from agents.hostagent.extents import BLOCK
from agents.hostagent.landing import WRITERS, DiskLanding
from agents.hostagent.wire import Ask, Encoded, Hello, TryLater, frame_encode

LINEAGE = UUID(int=7)
SIZE = 4 * BLOCK
KEY = RoundKey(LINEAGE, 1)


class Disk:
    """A disk that is slow while `gate` is shut, and knows what a power cut would leave."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.written: list[int] = []
        self.durable: list[int] = []
        self.flushes = 0
        self.refuses: Exception | None = None

    def pwrite(self, content: bytes, offset: int) -> None:
        self.gate.wait()
        self.written.append(offset)

    def flush(self) -> None:
        self.flushes += 1
        if self.refuses is not None:
            raise self.refuses
        self.durable = list(self.written)

    @contextmanager
    def shortest(self, _export: Export, _count: int, *, writable: bool) -> Iterator["Disk"]:
        yield self

    @contextmanager
    def borrow(self) -> Iterator["Disk"]:
        yield self


class Peer:
    """The other end of a connection, with one frame to send."""

    def __init__(self, encoded: Encoded | None = None) -> None:
        self.encoded = encoded
        self.closed = threading.Event()

    def receive_into(self, room: memoryview) -> None:
        assert self.encoded is not None
        room[:] = self.encoded.payload

    def send(self, parts: Any) -> int:
        return sum(len(part) for part in parts)

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr("agents.hostagent.landing.HandlePool", disk)
    return disk


@pytest.fixture
def landing(tmp_path: Path) -> DiskLanding:
    digests = DigestFile(tmp_path / "digests", SIZE)
    digests.blank()
    digests.keep(Kept(LINEAGE, compared=False))
    export = Export(tmp_path / "nbd", "landing")
    return DiskLanding(UUID(int=1), 0, "vm-1", "0", export, SIZE, tmp_path / "applied", digests)


def channel(encoded: Encoded | None = None) -> TlsChannel:
    return cast(TlsChannel, Peer(encoded))


def hello(name: bytes = bytes(16), ask: Ask = Ask.LEAD) -> Hello:
    return Hello(ask, name, LINEAGE, KEY.number, b"")


def block() -> Encoded:
    return frame_encode(BLOCK, bytearray(b"x" * BLOCK))


def until(ready: Any) -> None:
    limit = time.monotonic() + 5
    while not ready():
        assert time.monotonic() < limit
        time.sleep(0.005)


def applied(landing: DiskLanding) -> bytes:
    """What a resume would find."""
    return AppliedBlocks(landing.applied, key=KEY, disk_size=SIZE).snapshot()


def test_a_frame_that_a_save_has_overtaken_is_flushed_all_the_same(
    landing: DiskLanding, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.saving.SAVE_EVERY_S", 0.01)
    peer = channel(block())
    with landing.lead(peer, hello()) as session:
        disk.gate.clear()
        session.take(peer, block().frame)
        time.sleep(0.1)  # the saver has looked while the frame was on its way to the disk
        disk.gate.set()
        session.flush()

        assert disk.durable == [BLOCK]
    assert applied(landing) == b"\0\1\0\0"


def test_what_a_flush_has_lost_is_never_called_saved(landing: DiskLanding, disk: Disk) -> None:
    """The system tells of a lost write once: a flush that then goes well says nothing of it."""
    peer = channel(block())
    with ExitStack() as stack:
        session = stack.enter_context(landing.lead(peer, hello()))
        session.take(peer, block().frame)
        until(lambda: session._saver._unsaved)
        disk.refuses = OSError("no room")
        with pytest.raises(OSError, match="no room"):
            session._saver.save()
        disk.refuses = None
        with pytest.raises(OSError, match="no room"):
            session.flush()
        with pytest.raises(OSError, match="no room"):
            stack.close()
    assert applied(landing) == bytes(4)

    with landing.lead(peer, hello(bytes([1]) * 16)) as session:
        session.take(peer, block().frame)
        session.flush()
    assert applied(landing) == b"\0\1\0\0"


def test_a_landing_whose_disk_hangs_is_not_called_closed_and_gets_no_more_frames(
    landing: DiskLanding, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.landing.TAKE_OVER_TIMEOUT_S", 0.1)
    peer = channel(block())
    begun, leave = threading.Event(), threading.Event()

    def lead() -> None:
        with landing.lead(peer, hello()) as session:
            for _ in range(6):
                session.take(peer, block().frame)
            begun.set()
            leave.wait(5)

    disk.gate.clear()
    leading = threading.Thread(target=lead, daemon=True)
    leading.start()
    assert begun.wait(5)
    with pytest.raises(EngineGone, match="hangs"):
        landing.close()
    disk.gate.set()
    leave.set()
    leading.join(5)

    assert len(disk.written) <= WRITERS
    landing.close()


def test_a_session_that_rests_keeps_no_buffers(
    landing: DiskLanding, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = channel(block())
    monkeypatch.setattr("agents.hostagent.landing.POOLED_MIN", 0)
    monkeypatch.setattr("agents.hostagent.saving.SAVE_EVERY_S", 0.05)
    with landing.lead(peer, hello()) as session:
        session.take(peer, block().frame)
        until(lambda: session._buffers.qsize() == 1)

        until(lambda: session._buffers.qsize() == 0)

        assert disk.durable == [BLOCK]


def test_nobody_joins_before_the_first_connection_can_take_frames(
    landing: DiskLanding, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    @contextmanager
    def open_late(_export: Export, _count: int, *, writable: bool) -> Iterator[Disk]:
        early = landing.join(hello())
        with pytest.raises(TryLater) as refusal, early.connected(channel()):
            refused.append("it was let in")
        refused.append(str(refusal.value))
        yield disk

    monkeypatch.setattr(disk, "shortest", open_late)
    with landing.lead(channel(), hello()) as session:
        session.flush()

    assert refused == ["the session takes no more connections"]


def test_a_session_that_could_not_begin_stands_in_nobody_s_way(
    landing: DiskLanding, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.landing.TAKE_OVER_TIMEOUT_S", 0.1)
    applied_path, landing.applied = landing.applied, landing.applied / "missing" / "applied"
    with pytest.raises(FileNotFoundError), landing.lead(channel(), hello()):
        pass
    landing.applied = applied_path

    with landing.lead(channel(), hello()) as session:
        assert landing.session is session


def test_a_peer_that_does_not_read_its_digests_keeps_no_landing_open(landing: DiskLanding) -> None:
    peer = Peer()
    reached = threading.Event()

    def compare() -> None:
        with landing.comparing(cast(TlsChannel, peer), hello(ask=Ask.COMPARE)):
            reached.set()
            peer.closed.wait()  # as a send to it would

    comparing = threading.Thread(target=compare, daemon=True)
    comparing.start()
    reached.wait(5)
    closing = threading.Thread(target=landing.close, daemon=True)
    closing.start()
    closing.join(5)

    assert not closing.is_alive()


def test_a_closed_landing_is_compared_no_more(landing: DiskLanding) -> None:
    landing.close()

    with pytest.raises(TryLater, match="closed"), landing.comparing(channel(), hello(ask=Ask.COMPARE)):
        pass

    assert landing.digests.kept is not None
