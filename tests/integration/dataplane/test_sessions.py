"""Who may speak to a receiver, and whose frames count: tickets, sessions, restarts, slow lines."""

import asyncio
import filecmp
import secrets
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import nbd
import pytest

from agents.hostagent.channel import TlsChannel, tls_context
from agents.hostagent.extents import BLOCK
from agents.hostagent.mover import TransferFailed
from agents.hostagent.sending import answer_read
from agents.hostagent.wire import (
    END,
    FRAME_MAX,
    HELLO,
    MAGIC,
    Answer,
    Ask,
    CompareFirst,
    Hello,
    TransferRefused,
    TryLater,
    frame_encode,
)
from lab.daemon import GuestPath
from tests.integration.dataplane.conftest import MIB, Ends

SIZE = 128 * MIB
LINEAGE = uuid.UUID(int=7)
OLD, NEW = bytearray(b"old" * BLOCK)[:BLOCK], bytearray(b"new" * BLOCK)[:BLOCK]


async def test_a_ticket_that_the_portal_did_not_sign_is_refused(ends: Ends) -> None:
    ticket = ends.passage.ticket("0", SIZE)
    forged = ticket[:-8] + (b"AAAAAAAA" if not ticket.endswith(b"AAAAAAAA") else b"BBBBBBBB")
    with pytest.raises(TransferRefused, match="not one of the portal's"):
        await asyncio.to_thread(_knock, ends, forged)


async def test_a_ticket_of_another_source_is_refused(ends: Ends) -> None:
    with pytest.raises(TransferRefused, match="another source"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE, source="ab" * 32))


async def test_a_ticket_of_another_generation_is_refused(ends: Ends) -> None:
    with pytest.raises(TransferRefused, match="generation"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE, generation=2))


async def test_a_ticket_of_another_size_is_refused(ends: Ends) -> None:
    with pytest.raises(TransferRefused, match="bytes"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE - 1))


async def test_an_expired_ticket_may_be_renewed(ends: Ends) -> None:
    ends.passage.expires = time.time() - 1
    with pytest.raises(TryLater, match="expired"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE))
    copying = asyncio.create_task(ends.full())
    await asyncio.sleep(0.5)
    ends.passage.expires = time.time() + 60

    await copying

    assert _equal(ends)


async def test_a_landing_of_another_disk_is_waited_for_and_not_found(ends: Ends) -> None:
    with pytest.raises(TryLater, match="nothing is landing"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("9", SIZE))


async def test_another_version_of_the_protocol_is_refused(ends: Ends) -> None:
    def speak() -> None:
        with _connection(ends) as channel:
            channel.send([HELLO.pack(b"LFL1", 0, 0, 0, bytes(16), bytes(16))])
            answer_read(channel)

    with pytest.raises(TransferRefused, match="version"):
        await asyncio.to_thread(speak)


async def test_a_ticket_longer_than_any_is_refused_before_it_is_read(ends: Ends) -> None:
    def speak() -> None:
        with _connection(ends) as channel:
            channel.send([HELLO.pack(MAGIC, 0, 65535, 0, bytes(16), bytes(16))])
            answer_read(channel)

    with pytest.raises(TransferRefused):
        await asyncio.to_thread(speak)


async def test_a_delta_without_a_full_copy_before_it_must_compare_first(ends: Ends) -> None:
    with pytest.raises(CompareFirst):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE), 5)


async def test_nobody_joins_a_session_that_does_not_run(ends: Ends) -> None:
    with pytest.raises(TryLater, match="session"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE), 0, Ask.JOIN)


async def test_nobody_joins_where_others_need_the_places(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def speak() -> None:
        with _session(ends, number=0, name=bytes(16)), _connection(ends) as further:
            ticket = ends.passage.ticket("0", SIZE)
            monkeypatch.setattr("agents.hostagent.receiver.JOINED_MAX", 1)
            further.send([Hello(Ask.JOIN, bytes(16), LINEAGE, 0, ticket).pack()])
            answer_read(further)

    with pytest.raises(TryLater, match="too many"):
        await asyncio.to_thread(speak)


async def test_a_new_session_ends_the_one_before_and_its_late_frames_count_for_nothing(ends: Ends) -> None:
    def speak() -> None:
        with _session(ends, number=0) as older, _session(ends, number=1) as newer:
            _send(newer, NEW)
            with pytest.raises(OSError, match=r"closed|reset|pipe"):
                _send_for_long(older, OLD)
            newer.send([END.pack()])
            while answer_read(newer)[0] is not Answer.FLUSHED:
                pass

    await asyncio.to_thread(speak)

    assert ends.destination.images[0].read_bytes()[:BLOCK] == bytes(NEW)


async def test_an_older_round_than_the_last_is_refused_even_by_a_restarted_receiver(ends: Ends) -> None:
    def speak() -> None:
        for number in (0, 3):
            with _session(ends, number=number) as channel:
                channel.send([END.pack()])
                while answer_read(channel)[0] is not Answer.FLUSHED:
                    pass

    await asyncio.to_thread(speak)
    await _receiver_restart(ends)
    with pytest.raises(TransferRefused, match="later round"):
        await asyncio.to_thread(_knock, ends, ends.passage.ticket("0", SIZE), 2)


async def test_a_copy_goes_on_over_a_restart_of_the_receiver(ends: Ends) -> None:
    ends.passage.bucket.rate = 40.0 * MIB
    copying = asyncio.create_task(ends.full())
    while ends.passage.link.forwarded < 30 * MIB:
        await asyncio.sleep(0.02)
    await _receiver_restart(ends)

    done = await copying

    assert done.cuts >= 1
    assert done.content <= done.planned * 1.15
    assert done.source_roots == done.destination_roots
    assert _equal(ends)


async def test_a_closed_landing_ends_a_copy_at_once(ends: Ends) -> None:
    ends.passage.bucket.rate = 10.0 * MIB
    copying = asyncio.create_task(ends.full())
    await asyncio.sleep(1)
    await asyncio.to_thread(ends.passage.receiver.landing_close, ends.passage.unit)
    written = ends.destination.images[0].stat().st_blocks
    with pytest.raises(TransferFailed):
        await copying

    assert ends.destination.images[0].stat().st_blocks == written


async def test_a_very_slow_line_is_not_taken_for_a_dead_one(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.channel.SILENCE_MAX_S", 1.5)
    monkeypatch.setattr("agents.hostagent.receiver.SILENCE_MAX_S", 1.5)
    monkeypatch.setattr("agents.hostagent.receiver.TICK_S", 0.4)
    await ends.full()
    await _receiver_restart(ends)
    address = (await ends.source.machine.daemon.guest_open(GuestPath.NBD))[0]
    await asyncio.to_thread(_write_noise, address)
    ends.passage.bucket.rate = 30_000.0  # 64 KiB take longer than the silence allowed

    done = await ends.delta()

    assert done.cuts == 0
    assert done.took.total_seconds() > 2


async def _receiver_restart(ends: Ends) -> None:
    """As after the agent's death: the same port, and the landing opened again from what is on disk."""
    port = ends.passage.receiver.port
    await asyncio.to_thread(ends.passage.receiver.close)
    ends.passage.receiver_start(port)
    for disk in await ends.source.engine.disks():
        ends.passage.landing_open(disk, ends.landing_exports)


@contextmanager
def _connection(ends: Ends) -> Iterator[TlsChannel]:
    context = tls_context(ends.passage.source, ends.passage.keys.authority_pem, server=False)
    with socket.create_connection(("127.0.0.1", ends.passage.receiver.port)) as sock:
        channel = TlsChannel(sock, context, server=False)
        try:
            yield channel
        finally:
            channel.close()


@contextmanager
def _session(ends: Ends, *, number: int, name: bytes = b"") -> Iterator[TlsChannel]:
    """A peer with a ticket, welcomed."""
    with _connection(ends) as channel:
        ticket = ends.passage.ticket("0", SIZE)
        channel.send([Hello(Ask.LEAD, name or uuid.uuid4().bytes, LINEAGE, number, ticket).pack()])
        _, length = answer_read(channel)
        channel.receive(length)
        yield channel


def _send(channel: TlsChannel, content: bytearray) -> None:
    encoded = frame_encode(0, content)
    channel.send([encoded.frame.pack(), encoded.payload])


def _send_for_long(channel: TlsChannel, content: bytearray) -> None:
    for _ in range(100):
        _send(channel, content)
        time.sleep(0.01)


def _knock(ends: Ends, ticket: bytes, number: int = 0, ask: Ask = Ask.LEAD) -> None:
    """Come with a ticket; raises what the receiver answers."""
    with _connection(ends) as channel:
        channel.send([Hello(ask, uuid.uuid4().bytes, LINEAGE, number, ticket).pack()])
        answer_read(channel)


def _write_noise(uri: str) -> None:
    handle = nbd.NBD()
    handle.connect_uri(uri)
    handle.pwrite(bytearray(secrets.token_bytes(BLOCK)), FRAME_MAX)
    handle.shutdown()


def _equal(ends: Ends) -> bool:
    return filecmp.cmp(ends.source.images[0], ends.destination.images[0], shallow=False)
