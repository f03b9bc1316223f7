"""What peers may cost a receiver, and each other, before and beside their transfers."""

import asyncio
import resource
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from agents.hostagent.channel import TlsChannel, tls_context
from agents.hostagent.wire import ANSWER, Answer
from tests.integration.dataplane.passage import Passage

TICK = ANSWER.pack(Answer.APPLIED, 0)
TICKS = 1000


@pytest.fixture
async def passage(tmp_path: Path) -> AsyncIterator[Passage]:
    """A receiver where nothing lands."""
    async with Passage.open(tmp_path) as passage:
        yield passage


async def test_a_peer_that_does_not_read_is_not_waited_for(passage: Passage) -> None:
    def tick() -> float:
        with _both_ends(passage) as ours:
            began = time.monotonic()
            for _ in range(TICKS):
                ours.send_if_free([TICK])
            return time.monotonic() - began

    assert await asyncio.to_thread(tick) < 5


async def test_a_receiver_that_ran_out_of_files_lets_people_in_again(passage: Passage) -> None:
    def knock() -> str:
        door = ("127.0.0.1", passage.receiver.port)
        with socket.socket() as last, socket.socket() as sock:
            with _no_more_files():
                last.connect(door)  # its file was taken before it came
                sock.connect(door)
                time.sleep(0.3)
            return _greet(passage, sock).peer

    assert await asyncio.to_thread(knock) == passage.destination.fingerprint


async def test_a_receiver_without_a_thread_to_spare_turns_one_away_and_goes_on(
    passage: Passage, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    refused: list[threading.Thread] = []

    def start_unless_first(thread: threading.Thread) -> None:
        if thread.name == "receiver" and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_unless_first)

    def knock_twice() -> tuple[bytes, str]:
        door = ("127.0.0.1", passage.receiver.port)
        with socket.create_connection(door) as first, socket.create_connection(door) as second:
            first.settimeout(5)
            return first.recv(1), _greet(passage, second).peer

    assert await asyncio.to_thread(knock_twice) == (b"", passage.destination.fingerprint)


async def test_a_stranger_who_says_nothing_keeps_no_place(
    passage: Passage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.receiver.TICK_S", 0.1)
    monkeypatch.setattr("agents.hostagent.receiver.GREETING_S", 0.3)
    await asyncio.to_thread(passage.receiver.close)
    passage.receiver_start()

    def stay() -> None:
        with socket.create_connection(("127.0.0.1", passage.receiver.port)) as sock:
            channel = _greet(passage, sock)
            while True:
                channel.receive(1)

    async with asyncio.timeout(5):
        with pytest.raises(OSError, match="closed"):
            await asyncio.to_thread(stay)


def _greet(passage: Passage, sock: socket.socket) -> TlsChannel:
    context = tls_context(passage.source, passage.keys.authority_pem, server=False)
    return TlsChannel(sock, context, server=False, silence_s=5.0)


@contextmanager
def _no_more_files() -> Iterator[None]:
    """As in a process that has opened as many as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open() as highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest.fileno(), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def _both_ends(passage: Passage) -> Iterator[TlsChannel]:
    """The receiver's end of a connection whose other end reads nothing after the handshake."""
    authority = passage.keys.authority_pem
    ours = tls_context(passage.destination, authority, server=True)
    theirs = tls_context(passage.source, authority, server=False)
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        peer = stack.enter_context(socket.socket())
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(server.getsockname())
        sock = stack.enter_context(server.accept()[0])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        greeting = pool.submit(TlsChannel, peer, theirs, server=False)
        yield TlsChannel(sock, ours, server=True, silence_s=6.0)
        greeting.result()
